/** The texts of an approval, as the server, the command line and MCP show them. */
import { markedLines, reviewableLines, show } from '../core/index.ts'
import { jsonTextOf, wrongArgument } from './check-client-request.ts'

/**
 * Returns a text of an approval as it should be shown: characters that are not seen are replaced by their code points, and
 * words with letters of several scripts say so.
 *
 * @throws ValidationError unless it is a text
 * @example
 * markApprovalText('pay\u200b now') // 'pay\\u{200b} now'
 */
export function markApprovalText(text: string): string {
  if (typeof text !== 'string') throw wrongArgument('The text', `it must be a text, got ${show(text)}`)
  return markedLines(text)
}

/**
 * Returns the complete arguments of an approval as lines of JSON, short ones first, each marked as `markApprovalText` does.
 *
 * @throws ValidationError for arguments that JSON does not carry
 * @example
 * formatApprovalArguments({ text: 'a long text', to: 'Bob' }) // the line of `to` comes first
 */
export function formatApprovalArguments(args: unknown): string {
  const text = jsonTextOf('The arguments', args)
  try {
    return reviewableLines(JSON.parse(text))
  } catch {
    throw wrongArgument('The arguments', 'they have too many levels')
  }
}
