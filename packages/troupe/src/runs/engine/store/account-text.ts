/**
 * The stored text of a run's account. In a long one, the response and each branch stand on a line of their own, so that they
 * are written and read between other work, and not read at all for a list. JSON text has no other line breaks.
 */
import {
  type Clock,
  decodeInTime,
  decodeJson,
  isLongValue,
  type Json,
  jsonInParts,
  TimeSlice,
  type WorkInParts,
} from '../../../core/index.ts'
import type { RunAccount } from '../../machine/run/run-account.ts'

/** An account without the values that may be long. */
export type AccountOutline = Omit<RunAccount, 'response' | 'branchResults'>

/** Returns the text in parts. */
export function* accountTextInParts(account: RunAccount): WorkInParts<string> {
  if (!isLongValue(account)) return JSON.stringify(account)
  const fields: string[] = []
  for (const [key, value] of Object.entries(account)) {
    if (key === 'branchResults') {
      const branches: string[] = []
      for (const branch of account.branchResults) branches.push(yield* ownLine(branch))
      fields.push(`"branchResults":[${branches.join()}]`)
    } else if (key === 'response') fields.push(`"response":${yield* ownLine(value)}`)
    else if (value !== undefined) fields.push(`${JSON.stringify(key)}:${JSON.stringify(value)}`)
  }
  return `{${fields.join()}}`
}

function* ownLine(value: unknown): WorkInParts<string> {
  yield
  return `\n${yield* jsonInParts(value)}\n`
}

/** Returns the stored account. */
export async function readAccount(text: string, clock: Clock): Promise<RunAccount> {
  const { outline, lines } = divided(text)
  if (lines.length === 0) return (await decodeInTime(text, clock)) as RunAccount
  const slice = new TimeSlice(clock)
  const read = async (line: string) => {
    if (slice.isOver) await slice.renew()
    return decodeInTime(line, clock)
  }
  const [first, ...rest] = lines
  const account = decodeJson(outline) as { response?: Json; branchResults: Json[] }
  const branches = account.response === undefined ? lines : rest
  if (account.response !== undefined) account.response = await read(first as string)
  for (const [i, branch] of branches.entries()) account.branchResults[i] = await read(branch)
  return account as unknown as RunAccount
}

/** Returns the stored account without the values that may be long: those of a long account are not read. */
export const readAccountOutline = (text: string): AccountOutline => decodeJson(divided(text).outline) as AccountOutline

/** Returns the text of the outline of a long account, which lists read instead of the account; null for a short account. */
export function outlineText(text: string): string | null {
  if (!text.includes('\n')) return null
  const { response: _, branchResults: __, ...outline } = decodeJson(divided(text).outline) as unknown as RunAccount
  return JSON.stringify(outline)
}

/** Returns the values that have lines of their own, and the text with `null` in their places. */
function divided(text: string): { readonly outline: string; readonly lines: readonly string[] } {
  const lines = text.split('\n')
  const outline = lines.filter((_, i) => i % 2 === 0).join('null')
  return { outline, lines: lines.filter((_, i) => i % 2 === 1) }
}
