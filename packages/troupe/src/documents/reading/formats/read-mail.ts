/** A mail as Markdown: its subject as the heading, then sender, recipients and date, then its text. */
import { finishNow } from '../../../core/index.ts'
import { extractHtml } from '../extract-html.ts'

export async function readMail(bytes: Uint8Array): Promise<string> {
  const { default: PostalMime } = await import('postal-mime')
  const { subject, from, to = [], date, text, html } = await PostalMime.parse(bytes)
  const nameOf = (one: { readonly name?: string | undefined; readonly address?: string | undefined } | undefined) =>
    one?.name || one?.address || 'unknown'
  const head = `From ${nameOf(from)} to ${to.map((one) => nameOf(one)).join(', ')}${date === undefined ? '' : `, ${date}`}.`
  const body = text ?? (html === undefined ? '' : finishNow(extractHtml(html)).text)
  return `# ${subject ?? 'No subject'}\n\n${head}\n\n${body}`
}
