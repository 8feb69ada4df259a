// Drafts the copywriter's output by rules: every text is built from the brief's words and the handoff.
import { drafted } from '../drafted.ts';
import { keywordsThatFit } from '../keywords.ts';
import type { OutputFacts } from '../kind.ts';
import { createLedger, type Ledger } from '../ledger.ts';
import { hasSucceeded } from '../sources.ts';
import { type Subject, subjectOf } from '../subject.ts';
import { assumedLosses, usesOf } from '../upstream.ts';
import { trimTo } from '../wording.ts';
import { draftMeta, draftLinkedin, draftRsa } from './draft-ads.ts';
import { draftAngles, draftHeadlines } from './draft-headlines.ts';
import { draftEmails, draftLanding, draftSms } from './draft-messages.ts';
import { upstreamReferences } from './references.ts';
import { type EchoData, EchoOutput } from './schema.ts';

export function draftEcho(facts: OutputFacts): EchoOutput {
  const subject = subjectOf(facts);
  const ledger = createLedger();
  const data = draftCopy(facts, subject, ledger);
  notePages(facts, ledger);
  const { topic, name } = subject;

  return EchoOutput.parse(
    drafted(facts, {
      agent: 'echo',
      summary: `Copy for ${topic}${name === null ? '' : ` by ${name}`}: ${data.headlines.length} headlines from ${data.angles.length} angles, adverts for search (${data.rsa.length}), Meta and LinkedIn, ${data.emails.length} e-mails and a landing page, drafted by rules from the brief.`,
      data,
      evidence: ledger.all(),
      uses: usesOf(upstreamReferences(data)),
      assumptions: [
        ...assumedLosses(facts, {
          vision: 'angles name no audience and no pillar',
          apex: 'headlines name no keyword and search adverts no ad group',
          nova: 'calls to action name no KPI',
        }),
        'Sentences of the brief that state no figure and no superlative count as supported by the brief; all others are listed as claims that need proof.',
      ],
      openQuestions: questions(subject, data),
    }),
  );
}

function draftCopy(facts: OutputFacts, subject: Subject, ledger: Ledger): EchoData {
  const angles = draftAngles(subject);
  const headlines = draftHeadlines(subject, angles, keywordsThatFit(facts));
  const kpiId = subject.upstream.nova.kpis[0]?.id ?? null;
  const [first, second] = headlines;

  return {
    client_ready: false,
    angles,
    headlines,
    rsa: draftRsa(subject, keywordsThatFit(facts)),
    meta: draftMeta(subject, angles),
    linkedin: draftLinkedin(subject, angles),
    emails: draftEmails(subject),
    sms: draftSms(subject),
    landing: draftLanding(subject),
    ctas: subject.ctas.map((cta, index) => ({ ...cta, id: `C${index + 1}`, kpi_id: kpiId })),
    ab_tests: [
      {
        a_id: first?.id ?? '',
        b_id: second?.id ?? '',
        hypothesis: subject.pen.write(
          'The two headlines open from different angles: the one that more readers act on shows which angle to build on.',
          { max: 200 },
        ),
        kpi_id: kpiId,
      },
    ],
    claims: draftClaims(subject, ledger),
    disclaimers: subject.disclaimers,
  };
}

function draftClaims(
  { plainSentences, boldSentences, pen }: Subject,
  ledger: Ledger,
): EchoData['claims'] {
  const used = plainSentences.slice(0, 8).map((sentence) => ({
    text: pen.write(sentence, { max: 300 }),
    evidence_id: ledger.add({ claim: trimTo(sentence, 300), kind: 'brief' }),
    status: 'supported' as const,
  }));
  const open = boldSentences.slice(0, 20).map((sentence) => ({
    text: pen.write(sentence, { max: 300 }),
    evidence_id: null,
    status: 'needs_proof' as const,
  }));

  return [...used, ...open];
}

// What the client's page says today is evidence for whoever compares the drafts with it.
function notePages({ findings }: OutputFacts, ledger: Ledger): void {
  for (const finding of findings.filter(hasSucceeded)) {
    const title = finding.value?.['title'];
    const url = finding.input['url'];
    if (typeof title === 'string' && title.trim() !== '' && typeof url === 'string') {
      ledger.add({
        claim: `The page is titled "${trimTo(title, 200)}".`,
        kind: 'page',
        url,
        tool_call_id: finding.callId,
      });
    }
  }
}

function questions({ brief, link, boldSentences, disclaimers }: Subject, data: EchoData): string[] {
  const open = [
    link === null ? 'Which page should the adverts and e-mails lead to?' : null,
    boldSentences.length > 0
      ? 'Which source proves each figure and superlative listed under claims?'
      : null,
    brief.offer?.price === undefined ? 'May the copy name a price, and which one?' : null,
    data.sms.length > 0 ? 'How do receivers opt out of text messages?' : null,
    disclaimers.length > 0 ? 'On which placements is each required disclaimer due?' : null,
  ];

  return open.filter((question) => question !== null);
}
