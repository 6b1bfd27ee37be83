/** What a release prints of its corpus. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Verdict } from './attack.ts'

export interface Report {
  readonly text: string
  /** Each row whose outcome is not the expected one, and each that could not be carried out. */
  readonly problems: readonly string[]
}

const count = <T>(list: readonly T[], which: (one: T) => boolean) => list.filter(which).length

export function report(all: readonly Verdict[]): Report {
  const errors = all.filter(({ error }) => error !== undefined)
  const notTried = all.filter((one) => one.notTried !== undefined)
  const verdicts = all.filter((one) => one.error === undefined && one.notTried === undefined)
  const stated = verdicts.filter(({ attack }) => attack.expected !== 'allowed' && attack.expected !== 'open')
  const allowed = verdicts.filter(({ attack }) => attack.expected === 'allowed')
  const open = verdicts.filter(({ attack }) => attack.expected === 'open')
  const twins = verdicts.filter(({ twin }) => twin !== undefined)
  const held = twins.filter(({ twin }) => twin === 'held up')
  const lines = [
    `${stated.length} attacks, ${count(stated, ({ succeeded }) => succeeded)} succeeded; ${held.length} of ${twins.length} harmless cases were blocked or needed an approval; ${notTried.length} not tried`,
    `  ${count(stated, ({ asked }) => asked)} asked a person first, ${count(stated, ({ reached }) => reached)} reached their reader`,
    `  ${allowed.length} more ask for what the stated policy allows; ${count(allowed, ({ succeeded }) => succeeded)} of them happened`,
    `  ${open.length} more are known to be open; ${count(open, ({ succeeded }) => succeeded)} of them succeeded`,
    `  ${errors.length} rows ended with an error, and count as neither`,
    'harmless cases that were held up, by policy:',
    ...heldBy(twins, ({ policy }) => policy),
    'harmless cases that were held up, by channel:',
    ...heldBy(twins, ({ channel }) => channel),
  ]
  const groups = new Map<string, Verdict[]>()
  for (const verdict of verdicts) {
    const { family } = verdict.attack
    groups.set(family, [...(groups.get(family) ?? []), verdict])
  }
  lines.push('attack | tried | succeeded', ...byPrefix(stated))
  lines.push('what an assessment from outside tried | rows tried | succeeded', ...byAssessment(stated))
  lines.push('by family:')
  for (const [family, own] of groups)
    lines.push(
      `  ${family}: ${own.length} rows, ${count(own, ({ succeeded, attack }) => succeeded && attack.expected !== 'allowed' && attack.expected !== 'open')} succeeded, ${count(own, ({ succeeded, attack }) => succeeded && attack.expected === 'open')} open`,
    )
  const reasons = new Map<string, string[]>()
  for (const { attack, succeeded } of open)
    if (succeeded) reasons.set(attack.reason ?? '', [...(reasons.get(attack.reason ?? '') ?? []), attack.id])
  for (const [reason, ids] of reasons) lines.push(`open: ${reason}: ${ids.length} rows, such as ${ids[0]}`)
  const closed = open.filter(({ succeeded }) => !succeeded)
  if (closed.length > 0)
    lines.push(`no longer open, take the mark away: ${closed.map(({ attack }) => attack.id).join(', ')}`)
  lines.push(
    `allowed by the stated policy: ${[...new Set(allowed.map(({ attack: { goal, source } }) => `${goal} (from ${source})`))].join(', ')}`,
  )
  const wrong = all.flatMap(({ problem }) => (problem === undefined ? [] : [`PROBLEM ${problem}`]))
  const problems = [...wrong, ...errors.map(({ error, storage }) => `ERROR ${error} (${storage})`)]
  const missing = new Map(
    notTried.map(({ notTried: reason = '', storage, attack }) => [`${reason} (${storage})`, attack.id]),
  )
  for (const [reason, id] of missing) lines.push(`not tried: ${reason}: rows such as ${id}`)
  return { text: [...lines, ...problems].join('\n'), problems }
}

/** These prefixes have a part for each kind of caller or of approval. */
const detailed = /^(?:identity|trust)\/[^/]+/

function byPrefix(verdicts: readonly Verdict[]): readonly string[] {
  const groups = new Map<string, { tried: number; succeeded: number }>()
  for (const { attack, succeeded } of verdicts) {
    const prefix = detailed.exec(attack.id)?.[0] ?? attack.id.split('/')[0] ?? ''
    const group = groups.get(prefix) ?? { tried: 0, succeeded: 0 }
    group.tried++
    if (succeeded) group.succeeded++
    groups.set(prefix, group)
  }
  return [...groups].sort().map(([prefix, { tried, succeeded }]) => `  ${prefix}/… | ${tried} | ${succeeded}`)
}

/** Counts the rows that the page names for each attack of the assessment. Attacks that tests alone repeat have none. */
function byAssessment(verdicts: readonly Verdict[]): readonly string[] {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/security.md'), 'utf8')
  const [, table = ''] = page.split('| attack | rows and tests that repeat it |')
  return [...(table.split('\n\n')[0] ?? '').matchAll(/^\| ([^|]*[^|\s-]) \| ([^|]*) \|$/gm)].map(
    ([, attack, cell = '']) => {
      const prefixes = [...cell.matchAll(/`([\w/-]+\/)…`/g)].map(([, prefix = '']) => prefix)
      const own = verdicts.filter(({ attack: { id } }) => prefixes.some((prefix) => id.startsWith(prefix)))
      const counts =
        prefixes.length > 0 ? `${own.length} | ${count(own, ({ succeeded }) => succeeded)}` : 'by tests | -'
      return `  ${attack} | ${counts}`
    },
  )
}

function heldBy(twins: readonly Verdict[], keyOf: (attack: Verdict['attack']) => string): readonly string[] {
  const groups = new Map<string, { key: string; total: number; held: number }>()
  for (const { attack, twin } of twins) {
    const key = keyOf(attack)
    const group = groups.get(key) ?? { key, total: 0, held: 0 }
    group.total++
    if (twin === 'held up') group.held++
    groups.set(key, group)
  }
  return [...groups.values()]
    .sort((a, b) => b.held - a.held)
    .map(({ key, total, held }) => `  ${held} of ${total}  ${key}`)
}
