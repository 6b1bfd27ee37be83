/** The text of a task or an answer as a person wrote it: of content its text parts, of other values JSON. */
import { asText } from '../format.ts'

const isText = (part: unknown): part is { readonly type: 'text'; readonly text: string } =>
  typeof part === 'object' && part !== null && 'type' in part && part.type === 'text'
const isPart = (part: unknown): boolean =>
  typeof part === 'object' && part !== null && 'type' in part && (part.type === 'text' || part.type === 'file')

export const contentText = (value: unknown): string =>
  Array.isArray(value) && value.every(isPart)
    ? value
        .filter(isText)
        .map(({ text }) => text)
        .join('\n')
    : asText(value)
