/** Escapes text for targets with their own syntax. Apply them to output and not to stored data, since each target needs another escape. */
import { checkText } from '../../core/index.ts'

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** For text and quoted attributes of HTML. @example element.innerHTML = `<b title="${escapeHtml(name)}">` */
export const escapeHtml = (text: string): string =>
  checkText('escapeHtml', text).replace(/[&<>"']/g, (one) => entities[one] as string)

/** Escapes text for Markdown (CommonMark), HTML included. Line breaks are preserved. */
export const escapeMarkdown = (text: string): string =>
  checkText('escapeMarkdown', text)
    .replace(/[!-/:-@[-`{-~]/g, (one) => `\\${one}`)
    .replace(/^([ \t]{4,}|\t)/gm, (space) => space.trimEnd())

/** Escapes control characters of terminals and of the text direction as `\u{1b}`. Line breaks and tabs are preserved. */
export const escapeTerminal = (text: string): string =>
  checkText('escapeTerminal', text).replace(
    /[^\P{C}\n\t]|[\u2028\u2029]/gu,
    (one) => `\\u{${(one.codePointAt(0) as number).toString(16)}}`,
  )

/**
 * Encloses untrusted text in a prompt between marks that it cannot close, with invisible characters made visible. A model then
 * knows where the text ends, but may still follow instructions in it.
 * @param name the name of the marks: at most 256 letters, digits, `_` and `-`
 * @example const prompt = `Summarise the page.\n${escapeForPrompt(page, 'page')}`
 */
export function escapeForPrompt(text: string, name = 'data'): string {
  const mark =
    checkText('the name of escapeForPrompt', name)
      .slice(0, 256)
      .replace(/[^\w-]/g, '') || 'data'
  const inside = escapeTerminal(checkText('escapeForPrompt', text)).replace(
    // The slash comes before its white space in the group, so that a run of white space is read in one way.
    new RegExp(`<(?=\\s*(?:/\\s*)?${mark})`, 'gi'),
    '&lt;',
  )
  return `<${mark}>\n${inside}\n</${mark}>`
}
