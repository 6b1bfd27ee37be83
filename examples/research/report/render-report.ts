/**
 * The report as Markdown, without the account of the run. The same findings give the same text: nothing in it depends on
 * when or by which process it was made.
 */

import { offlineModel } from '../team/model-of.ts'
import type { Citation, Claim, Drafted, Gap, Near, Project, Review, Survey } from '../team/shapes.ts'

/** How a gap begins whose researcher failed. */
export const notLookedUp = 'It could not be looked up'

export interface ReportParts {
  readonly project: Project
  readonly survey: Survey
  readonly plan: readonly string[]
  readonly gaps: readonly Gap[]
  /** For each sub-question without an answer, what comes nearest. */
  readonly near: readonly (readonly Near[])[]
  readonly review: Review
}

export function renderReport(parts: ReportParts): string {
  const { plan, review, gaps, near, survey } = parts
  const claimsFor = (i: number) => review.sections.find(({ number }) => number === i + 1)?.claims ?? []
  const shown = new Set(plan.map((_, i) => passageKey(claimsFor(i)[0])))
  const unshown = (claim: Drafted) => !shown.has(passageKey(claim)) && shown.add(passageKey(claim)) !== undefined
  const isSynthesised = (i: number) => claimsFor(i).some((claim) => !same(claim))
  const details = plan.flatMap((question, i) =>
    isSynthesised(i) ? [] : detailsOf(i + 1, question, claimsFor(i).slice(1).filter(unshown)),
  )
  const failed = (i: number) => gaps.some(({ number, what }) => number === i + 1 && what.startsWith(notLookedUp))
  return [
    ...headOf(parts),
    '## Short answer',
    ...plan.map((question, i) =>
      shortAnswer(
        plan.length > 1 ? question : undefined,
        isSynthesised(i) ? claimsFor(i) : [],
        claimsFor(i)[0],
        failed(i) ? 'failed' : (near[i] ?? []),
        survey,
      ),
    ),
    ...details,
    contradictionsOf(review),
    gapsOf(plan, gaps),
    ...struckOf(review),
    sourcesOf(review),
    ...skippedOf(survey),
  ].join('\n\n')
}

const passageKey = (claim: Drafted | undefined) => `${claim?.file}\n${claim?.quote}`

/** The best passage for one sub-question, or what comes nearest. */
function shortAnswer(
  question: string | undefined,
  synthesised: readonly Drafted[],
  best: Drafted | undefined,
  near: readonly Near[] | 'failed',
  survey: Survey,
): string {
  const title = question === undefined ? [] : [`**${oneLine(question)}**`]
  if (synthesised.length > 0) return [...title, ...synthesis(synthesised)].join('\n\n')
  if (best) return [...title, claimLines(best).join('\n')].join('\n\n')
  if (near === 'failed') return [...title, `${notLookedUp}.`].join('\n\n')
  const unread = unreadOf(survey)
  const statement = `Nothing was found by words.${unread}`
  if (near.length === 0) return [...title, statement].join('\n\n')
  const list = near.map(
    ({ file, line, heading, quote }) =>
      `- \`${file}:${line}\`${heading ? ` (${oneLine(heading)})` : ''}: ${oneLine(quote).slice(0, 300)}`,
  )
  return [...title, `${statement} These passages come nearest, and are not likely to answer:`, list.join('\n')].join(
    '\n\n',
  )
}

/** The sentences of a Writer as a text, each with the number of its citation, and the citations below. */
function synthesis(claims: readonly Drafted[]): string[] {
  const text = claims.map(({ claim, doubt }, i) => `${oneLine(claim)} [${i + 1}${doubt ? ', not borne out' : ''}]`)
  const citations = claims.map((claim, i) => {
    const doubt = claim.doubt ? [`*Not borne out: ${claim.doubt}*`, ''] : []
    const lines = [...doubt, ...quoted(claim, '', claim.heading), ...supportOf(claim)]
    return lines.map((line, n) => `${n === 0 ? `${i + 1}. ` : '   '}${line}`.trimEnd()).join('\n')
  })
  return [text.join(' '), citations.join('\n')]
}

const supportOf = ({ support }: Drafted): string[] => support.flatMap((one) => ['>', ...quoted(one, 'also ')])

/** What was not read may hold the answer. */
function unreadOf({ skipped }: Survey): string {
  const documents = skipped.filter(({ reason }) => !/^(?:hidden|empty|installed packages|a link)/.test(reason))
  if (documents.length === 0) return ''
  const few = documents.slice(0, 3).map(({ path, reason }) => `\`${path}\` (${reason})`)
  const more = documents.length > few.length ? ` and ${documents.length - few.length} more` : ''
  return ` ${counted(documents.length, 'file')} ${documents.length === 1 ? 'was' : 'were'} not read and may hold it: ${few.join(', ')}${more}.`
}

/** The other passages that answer a sub-question, by document in the order of their best. */
function detailsOf(number: number, question: string, claims: readonly Drafted[]): string[] {
  if (claims.length === 0) return []
  const documents = [...Map.groupBy(claims, ({ file }) => file)].map(([file, own]) =>
    [`### \`${file}\``, ...own.map((claim) => claimLines(claim).join('\n'))].join('\n\n'),
  )
  return [`## ${number}. ${oneLine(question)}`, ...documents]
}

function headOf({ project, survey, plan, gaps, review }: ReportParts): string[] {
  const claims = review.sections.flatMap((section) => section.claims)
  const cited = new Set(citationsOf(review).map(({ file }) => file))
  const checked = `The reviewer checked ${counted(review.checked, 'citation')} against the files`
  const back = review.sent_back === 0 ? '' : `, sent the draft back ${review.sent_back === 1 ? 'once' : 'twice'}`
  const struck =
    review.struck.length === 0 ? ' and found every one in its place.' : ` and struck out ${review.struck.length}.`
  return [
    `# ${oneLine(project.question)}`,
    `> ${authorOf(project.model)}`,
    [
      `- Documents read: ${survey.documents.toLocaleString('en')} (${size(survey.bytes)}), in ${foldersOf(project)}.`,
      `- Answer: ${counted(claims.length, 'claim')} from ${counted(cited.size, 'document')}, for ${counted(plan.length, 'sub-question')}.`,
      ...(review.checked === 0 ? [] : [`- ${checked}${back}${back === '' ? '' : ','}${struck}`]),
      `- Contradictions: ${review.contradictions.length === 0 ? 'none found' : review.contradictions.length}. Not found: ${gaps.length === 0 ? 'nothing to name' : counted(gaps.length, 'point')}.`,
    ].join('\n'),
  ]
}

const authorOf = (model: string): string =>
  model === offlineModel
    ? '**Written by the offline extractive model.** It is not a language model: it finds and ranks passages of the documents and quotes them. No sentence of an answer below is its own, and it judges nothing.'
    : `**Written by the language model \`${model}\`.** The claims are in its words; the quoted passages stand in the documents, which was checked by code. Whether a passage bears out its claim is for you to judge.`

function foldersOf({ folders, files, base }: Project): string {
  const inside = (path: string) => (path.startsWith(`${base}/`) ? path.slice(base.length + 1) : path)
  const named = folders.map((path) => `\`${inside(path)}\``).join(', ')
  return files.length === 0 ? named : `${named} and ${counted(files.length, 'single file')}`
}

/** A claim that is its passage is not said twice. */
function claimLines(claim: Drafted): string[] {
  const own = same(claim) ? [] : [oneLine(claim.claim), ...(claim.doubt ? [`*Not borne out: ${claim.doubt}*`] : []), '']
  return [...own, ...quoted(claim, '', claim.heading), ...supportOf(claim)]
}

const same = ({ claim, quote }: Claim) => oneLine(claim) === oneLine(quote)

/** Code and tables are shown as such, prose in one line. */
function quoted({ quote, file, line }: Citation, before = '', heading: string | null = null): string[] {
  const under = heading ? ` (${oneLine(heading)})` : ''
  return [...passageLines(quote).map((text) => `> ${text}`.trimEnd()), `> — ${before}\`${file}:${line}\`${under}`]
}

function passageLines(quote: string): string[] {
  if (!quote.includes('\n')) return [`“${oneLine(quote)}”`]
  const lines = quote.split('\n').map((text) => text.replace(/^\s*>\s?/, ''))
  const isMarkdown = /^\s*(?:```|~~~|\||[-*+] |\d{1,3}[.)] )/m.test(lines.join('\n'))
  return [...(isMarkdown ? lines : ['```', ...lines, '```']), '']
}

function contradictionsOf({ contradictions, sections }: Review): string {
  const title = '## Contradictions'
  if (sections.every(({ claims }) => claims.length === 0)) return `${title}\n\nThere are no claims to compare.`
  if (contradictions.length === 0)
    return `${title}\n\nNone of the claims contradict each other in wording or numbers, as far as code can tell.`
  const note = 'Found by comparing wording; whether they contradict each other is for you to judge.'
  const pairs = contradictions.map(({ why, first, second }, i) =>
    [`${i + 1}. ${why}`, '', ...[...quoted(first), '>', ...quoted(second)].map((line) => `   ${line}`)].join('\n'),
  )
  return [title, note, ...pairs].join('\n\n')
}

function gapsOf(plan: readonly string[], gaps: readonly Gap[]): string {
  const title = '## What was not found'
  if (gaps.length === 0)
    return `${title}\n\nEvery sub-question has passages that speak of all its words, which does not make them an answer.`
  const lines = gaps.map(({ number, what }) =>
    what === plan[number - 1]
      ? `- Nothing was found by words on sub-question ${number}: ${oneLine(what)}`
      : `- Sub-question ${number}: ${oneLine(what)}`,
  )
  return `${title}\n\n${lines.join('\n')}`
}

function struckOf({ struck }: Review): string[] {
  if (struck.length === 0) return []
  const lines = struck.map(({ number, citation: { file, line }, fault }) => {
    const where = number === undefined ? 'A contradiction' : `Sub-question ${number}`
    return `- ${where}, cited as \`${file}:${line}\`: ${oneLine(fault)}`
  })
  return [
    `## Struck out\n\nThese citations did not stand in their sources and could not be put right.\n\n${lines.join('\n')}`,
  ]
}

function sourcesOf(review: Review): string {
  const counts = new Map<string, number>()
  for (const { file } of citationsOf(review)) counts.set(file, (counts.get(file) ?? 0) + 1)
  const lines = [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([file, count]) => `- \`${file}\` (${counted(count, 'citation')})`)
  return `## Sources\n\n${lines.length === 0 ? 'None.' : lines.join('\n')}`
}

const citationsOf = ({ sections, contradictions }: Review): Citation[] => [
  ...sections.flatMap(({ claims }) => claims.flatMap((claim) => [claim, ...claim.support])),
  ...contradictions.flatMap(({ first, second }) => [first, second]),
]

function skippedOf({ skipped, skipped_count }: Survey): string[] {
  if (skipped_count === 0) return []
  const lines = skipped.map(({ path, reason }) => `- \`${path}\`: ${reason}`)
  if (skipped_count > skipped.length) lines.push(`- and ${(skipped_count - skipped.length).toLocaleString('en')} more`)
  return [
    `## Skipped files\n\n${counted(skipped_count, 'file')} could not be read or ${skipped_count === 1 ? 'was' : 'were'} left out.\n\n${lines.join('\n')}`,
  ]
}

const counted = (count: number, what: string) => `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`
const size = (bytes: number) =>
  bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`
const oneLine = (text: string) => text.trim().replace(/\s+/g, ' ')
