// Checks of the landing page's search snippet, of e-mails and of text messages.
import type { Check } from '../../../core/output.ts';
import { rule } from '../envelope-checks.ts';
import { placed, tooLong } from '../faults.ts';
import { graphemes } from '../lengths.ts';
import { platformSpecs } from '../platform-specs.ts';
import type { EchoData } from './schema.ts';

export function messageChecks(data: EchoData): Check[] {
  return [...snippetChecks(data), ...emailChecks(data), ...smsChecks(data)];
}

function snippetChecks({ landing }: EchoData): Check[] {
  const specs = platformSpecs().search_result;
  const fields = [
    { id: 'echo.meta_title', field: 'meta_title', max: specs.title.max },
    { id: 'echo.meta_description', field: 'meta_description', max: specs.description.max },
  ] as const;

  return fields.flatMap(({ id, field, max }) => {
    const path = `data.landing.${field}`;
    return rule({ id, path, limit: max }, tooLong([{ path, text: landing[field] }], max));
  });
}

function emailChecks({ emails }: EchoData): Check[] {
  const { subject, preheader } = platformSpecs().email;
  const path = 'data.emails';
  const subjects = placed(path, emails, (email) => ({ field: '.subject', text: email.subject }));
  const preheaders = emails.flatMap((email, index) => {
    const length = graphemes(email.preheader);
    return length >= preheader.min && length <= preheader.max
      ? []
      : [{ path: `${path}[${index}].preheader`, measured: `${length} characters` }];
  });

  return [
    ...rule({ id: 'echo.subject', path, limit: subject.max }, tooLong(subjects, subject.max)),
    ...rule(
      { id: 'echo.subject_advised', level: 'warn', path, limit: subject.advised },
      tooLong(subjects, subject.advised),
    ),
    ...rule(
      { id: 'echo.preheader', path, limit: `${preheader.min} to ${preheader.max} characters` },
      preheaders,
    ),
  ];
}

function smsChecks({ sms }: EchoData): Check[] {
  const faults = sms.flatMap(({ text }, index) => {
    const max = segmentLength(text);
    return text.length > max
      ? [{ path: `data.sms[${index}].text`, measured: text.length, limit: max }]
      : [];
  });

  return rule({ id: 'echo.sms', path: 'data.sms', limit: 'one segment' }, faults);
}

const gsm7 = /^[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&'()*+,\-./\d:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà]*$/;

/** Characters that one text message may hold, by the alphabet that the text needs. */
export function segmentLength(text: string): number {
  const specs = platformSpecs().sms;
  return gsm7.test(text) ? specs.gsm7.max : specs.ucs2.max;
}
