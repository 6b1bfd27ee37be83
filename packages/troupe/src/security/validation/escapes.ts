/**
 * Escapes for text that goes somewhere with a syntax of its own. They are for the way out: what is stored stays as it was
 * given, for another way out has another syntax.
 */
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

/** For Markdown (CommonMark): everything stands for itself, HTML included. Lines stay lines. */
export const escapeMarkdown = (text: string): string =>
  checkText('escapeMarkdown', text)
    .replace(/[!-/:-@[-`{-~]/g, (one) => `\\${one}`)
    .replace(/^([ \t]{4,}|\t)/gm, (space) => space.trimEnd())

/** What a terminal would obey, and what turns the direction of text, shown as `\u{1b}`; lines and tabs stay. */
export const escapeTerminal = (text: string): string =>
  checkText('escapeTerminal', text).replace(
    /[^\P{C}\n\t]|[\u2028\u2029]/gu,
    (one) => `\\u{${(one.codePointAt(0) as number).toString(16)}}`,
  )

/**
 * Text from outside as a part of a prompt: between marks that it can't close, with what is not seen made visible. It tells a
 * model where the text ends; it does not make a model resist what the text says.
 * @param name of the marks, letters, digits, `_` and `-`; of 256 characters at most
 * @example const prompt = `Summarise the page.\n${escapeForPrompt(page, 'page')}`
 */
export function escapeForPrompt(text: string, name = 'data'): string {
  const mark =
    checkText('the name of escapeForPrompt', name)
      .slice(0, 256)
      .replace(/[^\w-]/g, '') || 'data'
  const inside = escapeTerminal(checkText('escapeForPrompt', text)).replace(
    // The slash stands before its white space in the group, so that a run of white space is read in one way.
    new RegExp(`<(?=\\s*(?:/\\s*)?${mark})`, 'gi'),
    '&lt;',
  )
  return `<${mark}>\n${inside}\n</${mark}>`
}
