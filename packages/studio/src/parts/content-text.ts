/** The text of a task or an answer as a person wrote it: of content its text parts, of other values JSON. */
import { asText } from '../format.ts'

const isText = (part: unknown): part is { readonly type: 'text'; readonly text: string } =>
  typeof part === 'object' && part !== null && 'type' in part && part.type === 'text'
const isPart = (part: unknown): boolean =>
  typeof part === 'object' && part !== null && 'type' in part && (part.type === 'text' || part.type === 'file')

/** Returns whether the value is content: a list of texts and files. */
export const isContent = (value: unknown): value is readonly object[] =>
  Array.isArray(value) && value.length > 0 && value.every(isPart)

export const contentText = (value: unknown): string =>
  isContent(value)
    ? value
        .filter(isText)
        .map(({ text }) => text)
        .join('\n')
    : asText(value)
