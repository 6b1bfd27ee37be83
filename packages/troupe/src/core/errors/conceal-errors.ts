/** Hides the texts of errors of application code from callers of the server, which get only ids. */
import { finishNow, type WorkInParts } from '../time/time-slice.ts'
import { concealed, type StoredError } from './stored-error.ts'

/** Shorter messages, and those of one small word, occur in other texts by chance. */
const isDistinct = (message: string) => message.length >= 8 && /[^a-z._-]/.test(message)

/**
 * Returns the answer without the texts of errors of application code: an id replaces each message, wherever the answer
 * quotes it. Errors of Troupe's own are not changed.
 */
export const concealErrors = <T>(answer: T): T => finishNow(concealErrorsInParts(answer))

/** The same in parts, because an answer may have many megabytes. Most answers quote no error, and are searched only once. */
export function* concealErrorsInParts<T>(answer: T): WorkInParts<T> {
  if (!(yield* quotesErrors(answer))) return answer
  const known: Known = { messages: new Map(), seen: 0 }
  yield* collect(answer, known)
  return (yield* without(answer, '', known)) as T
}

type Internal = StoredError & { readonly errorId: string }
const isInternal = (value: object): value is Internal =>
  typeof (value as Partial<Internal>).errorId === 'string' && typeof (value as Partial<Internal>).message === 'string'

/** The result of a failed call of a tool, as a thread has it. The texts beside it are a conversation, which quotes no error by itself. */
type FailedResult = { readonly error: string; readonly errorId: string }
const isFailedResult = (value: object): value is FailedResult =>
  typeof (value as Partial<FailedResult>).errorId === 'string' &&
  typeof (value as Partial<FailedResult>).error === 'string'

const publicMessage = (errorId: string) =>
  concealed({ name: '', code: '', message: '', retryable: false, errorId }).message

interface Known {
  /** The text that replaces each message. */
  readonly messages: Map<string, string>
  /** How many values were seen: a part ends after each `valuesPerPart`. */
  seen: number
}

function* collect(value: unknown, known: Known): WorkInParts<void> {
  if (typeof value !== 'object' || value === null) return
  if (++known.seen % valuesPerPart === 0) yield
  if (isInternal(value)) {
    const { message, hint, errorId } = value
    if (message !== '') known.messages.set(message, publicMessage(errorId))
    if (hint) known.messages.set(hint, '')
  }
  for (const inner of Object.values(value)) if (typeof inner === 'object') yield* collect(inner, known)
}

function* without(value: unknown, key: string, known: Known): WorkInParts<unknown> {
  if (typeof value === 'string') return textWithout(value, key, known.messages)
  if (typeof value !== 'object' || value === null) return value
  if (++known.seen % valuesPerPart === 0) yield
  if (Array.isArray(value)) {
    const clean: unknown[] = []
    for (const inner of value as readonly unknown[]) clean.push(yield* without(inner, key, known))
    return clean.every((inner, i) => inner === value[i]) ? value : clean
  }
  if (isInternal(value)) return errorWithout(value)
  if (isFailedResult(value)) return { ...value, error: publicMessage(value.errorId) }
  const clean: (readonly [string, unknown])[] = []
  let isChanged = false
  for (const [name, inner] of Object.entries(value)) {
    const found = yield* without(inner, name, known)
    clean.push([name, found])
    isChanged ||= found !== inner
  }
  return isChanged ? Object.fromEntries(clean) : value
}

/** A problem of a schedule and a report of a health check have other fields, which are not changed. */
function errorWithout(error: Internal): object {
  if (typeof error.retryable === 'boolean') return concealed(error)
  const { details: _, hint: __, ...rest } = error
  return { ...rest, message: publicMessage(error.errorId) }
}

/** Fields whose texts may quote an error. */
const quotingFields: ReadonlySet<string> = new Set(['reason', 'text', 'evidence'])

/** The end of a message that is stored alone, as `messageWithId` writes it. */
const marked = /\[(err_[0-9a-z]+)\]/

const valuesPerPart = 1_024

function* quotesErrors(answer: unknown): WorkInParts<boolean> {
  const values: unknown[] = [answer]
  /** The name of the field in which each value is, also if it is an item of a list there. */
  const fields = ['']
  const add = (value: unknown, field: string) => {
    if (typeof value !== 'object' && !(typeof value === 'string' && quotingFields.has(field))) return
    values.push(value)
    fields.push(field)
  }
  for (let i = 1; values.length > 0; i++) {
    if (i % valuesPerPart === 0) yield
    const value = values.pop()
    const field = fields.pop() as string
    if (typeof value === 'string' && marked.test(value)) return true
    if (typeof value !== 'object' || value === null) continue
    if (typeof (value as Partial<Internal>).errorId === 'string') return true
    if (Array.isArray(value)) for (const item of value) add(item, field)
    else for (const name in value) add((value as Record<string, unknown>)[name], name)
  }
  return false
}

function textWithout(text: string, key: string, messages: ReadonlyMap<string, string>): string {
  const errorId = quotingFields.has(key) ? marked.exec(text)?.[1] : undefined
  if (errorId !== undefined && key === 'reason') return publicMessage(errorId)
  let clean = text
  const failed = errorId === undefined ? -1 : clean.indexOf(' failed: ')
  if (errorId !== undefined && failed >= 0) {
    const message = ` failed: ${publicMessage(errorId)}`
    clean = clean.slice(0, failed) + clean.slice(failed).replace(/^ failed: .*\[err_[0-9a-z]+\]/s, () => message)
  }
  for (const [message, substitute] of messages)
    if (clean.includes(message) && (key === 'text' || isDistinct(message)))
      clean = clean.replaceAll(message, substitute)
  return clean
}
