/**
 * Writes the tables of docs/doctor.md from the catalogue of checks, and the checklists of the guides, each line with its check;
 * a test keeps pages and code equal.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { checkIds, entryOf, severityOf } from '../packages/troupe/src/configuration/index.ts'
import { guideChecklists } from '../packages/troupe/test/guides/guide-lines.ts'

export const doctorDoc = fileURLToPath(new URL('../docs/doctor.md', import.meta.url))
export const checklistsDoc = fileURLToPath(new URL('../packages/troupe/test/guides/checklists.md', import.meta.url))
const begin = '<!-- written by `node scripts/doctor-doc.ts` from here on -->'

const abouts = {
  configuration: 'Configuration and process',
  system: 'The open troupe and its data',
  project: 'Files of your project',
  word: 'Attestations of a person',
} as const

const table = (header: readonly string[], rows: readonly (readonly string[])[]) => [
  `| ${header.join(' | ')} |`,
  `|${header.map(() => '---').join('|')}|`,
  ...rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`),
]

/** The page's text: what is above the mark stays, what is below is written. */
export const renderDoctor = (page = readFileSync(doctorDoc, 'utf8')): string => {
  const [head = ''] = page.split(begin)
  const checks = Object.entries(abouts).flatMap(([about, title]) => [
    `### ${title}`,
    '',
    ...table(
      ['check', 'passes if', 'severity', 'attested'],
      checkIds
        .filter((id) => entryOf(id).about === about)
        .map((id) => [`\`${id}\``, entryOf(id).description, severityOf(id), entryOf(id).isAttestable ? 'yes' : '']),
    ),
    '',
  ])
  return [
    `${head}${begin}`,
    '',
    '## Checks',
    '',
    '`attested`: an attestation also passes the check. `severity`: `high` if data is lost or exposed, or work stops; `low` for good',
    'practice, or a review by a person; `high` for each check of your own. A report lists failures before warnings, each by',
    'severity.',
    '',
    ...checks,
  ].join('\n')
}

/** The page of the checklists. */
export const renderChecklists = (): string => {
  const lines = guideChecklists.flatMap(({ title, lines: rows }) => [
    `## ${title}`,
    '',
    ...table(
      ['line', 'asks', 'check'],
      rows.map(({ line, asks, check }) => [line, asks, `\`${check}\``]),
    ),
    '',
  ])
  return [
    '# The checklists of the guides',
    '',
    'Each line of the checklists that the five guides end with, and the [check](../../../../docs/doctor.md#checks) of `troupe doctor`',
    'that examines it. S1 to S5 are the guides in their order; the number is the line. `node scripts/doctor-doc.ts` writes this page.',
    '',
    ...lines,
  ].join('\n')
}

if (import.meta.main) {
  writeFileSync(doctorDoc, renderDoctor())
  writeFileSync(checklistsDoc, renderChecklists())
}
