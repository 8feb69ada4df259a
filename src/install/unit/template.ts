// Fills the templates of `launchd/`: every {{name}} is replaced, none is left, and nothing is replaced in values.
import { appError } from '../../core/errors.ts';

export type Values = Readonly<Record<string, string>>;

/** Throws `unit_failed` for a name without a value, and for values that no unit file can hold. */
export function fill(
  template: string,
  values: Values,
  escape: (value: string) => string = (value) => value,
): string {
  return template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw appError('unit_failed', { detail: `no value for ${name}` });
    // eslint-disable-next-line no-control-regex
    if (/[\u0000-\u001f\u007f]/.test(value)) {
      throw appError('unit_failed', { detail: `${name} has characters that no unit can hold` });
    }
    return escape(value);
  });
}
