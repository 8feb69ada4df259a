// Tells whether an IP address belongs to the public internet, and how to name it when it does not.
import ipaddr from 'ipaddr.js';

/** Says yes to addresses that are let through although they are not public. Code decides, never a model. */
export type AllowAddress = (address: string) => boolean;

// `allowAddress` can open these ranges only: no setting ever opens link-local or metadata addresses.
const openable = ['loopback', 'private', 'uniqueLocal'];
const metadata = ['fd00:ec2::254'];

/**
 * Null when the address may be connected to, else the reason why not, such as `a private address`.
 * Forms that hide another address (v4-mapped, NAT64, 6to4) are unwrapped or refused.
 */
export function addressRefusal(address: string, allowAddress: AllowAddress): string | null {
  if (!ipaddr.isValid(address)) return 'no IP address';

  const plain = ipaddr.process(address);
  const text = plain.toString();
  const range: string = plain.range();
  // Beyond 2000::/3 nothing is handed out, and old forms such as ::127.0.0.1 live there.
  const [first = 0] = plain.toByteArray();
  const isGlobal = plain.kind() === 'ipv4' || (first >= 0x20 && first <= 0x3f);
  if (range === 'unicast' && isGlobal) return null;

  if (openable.includes(range) && !metadata.includes(text) && allowAddress(text)) return null;

  return `not a public address (${range === 'unicast' ? 'unassigned' : range})`;
}
