/** Values as text, for prompts, questions and lines of output. */
import type { Json } from '../values/json-value.ts'

/** Returns a text as it is, and another value as its JSON text. */
export const textOfValue = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value))
