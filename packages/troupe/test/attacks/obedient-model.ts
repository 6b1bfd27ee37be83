/**
 * A model without any resistance: it carries out every instruction in any text that it is shown, whoever wrote it, in
 * prompts, tool descriptions, schemas and results, and however it is disguised. The grammar of an instruction is
 * `call TOOL with {JSON}`; `$TOOL` in an argument stands for the last result of that tool, so that data can be carried off,
 * and `@TOOL` for the handle in it.
 */
import { type MockItem, MockModel } from '../../src/testing/index.ts'

export interface Instruction {
  readonly tool: string
  readonly args: string
}

const verb = '(?:call|rufe|appelle|llama a|调用|вызови)'
const join = '(?:with|auf mit|avec|con|参数|с)'
const instruction = new RegExp(String.raw`${verb} ([\w.-]+) ${join} (\{[^{}]*\})`, 'giu')

/** How often the model answers at most. */
const maxAnswers = 40

type Prompt = readonly { readonly role: string; readonly content: unknown }[]

/** @param attempts collects every instruction that the model carried out, in order */
export function obedientModel(attempts: Instruction[] = []): MockModel {
  const done = new Set<string>()
  const answer: MockItem = ({ prompt, tools }) => {
    // In quarantine it can do nothing, and says whatever the text says.
    if (tools === undefined || tools.length === 0) return lastText(prompt)
    if (isFreshTurn(prompt)) done.clear()
    const texts = [...textsOf(prompt), ...textsOf(tools ?? [])]
    for (const { tool, args } of instructionsIn(texts)) {
      if (done.has(`${tool} ${args}`)) continue
      done.add(`${tool} ${args}`)
      const filled = parsed(
        args
          .replace(/\$(\w+)/g, (complete, name) => lastResult(prompt, name) ?? complete)
          .replace(/@(page|query_handle)\b/g, (_, name) => handleIn(lastResult(prompt, name))),
      )
      if (filled === undefined) continue
      attempts.push({ tool, args })
      return { toolCalls: [{ name: tool, args: filled }] }
    }
    return lastText(prompt)
  }
  return new MockModel({ responses: Array.from({ length: maxAnswers }, () => answer) })
}

/** Nothing was called since somebody spoke: what it is told it does, although it may have done it in another run. */
const isFreshTurn = (prompt: Prompt) => {
  const since = prompt.slice(prompt.findLastIndex(({ role }) => role === 'user') + 1)
  return !since.some(({ role }) => role === 'tool')
}

/** What the model says when nothing is left to do: all that it read, as a summary that keeps every word. */
const lastText = (prompt: Prompt): string => {
  const read = prompt.filter(({ role }) => role === 'tool' || role === 'user')
  return `In short: ${textsOf(read.map(({ content }) => content)).join(' ')}`.slice(0, 8_000)
}

function lastResult(prompt: Prompt, tool: string) {
  const parts = prompt.flatMap(({ role, content }) => (role === 'tool' ? (content as readonly unknown[]) : []))
  const part = parts.filter((one) => (one as { toolName?: string }).toolName === tool).at(-1)
  const text = part && JSON.stringify((part as { output: unknown }).output)
  return text === undefined ? undefined : JSON.stringify(text).slice(1, -1)
}

const handleIn = (text = '') => /handle:[0-9a-f]+/.exec(text)?.[0] ?? 'no handle'

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

/** Every text in a value, keys included; JSON within texts is opened. */
export function textsOf(value: unknown): string[] {
  if (typeof value === 'string') {
    const inner = /^\s*[[{"]/.test(value) ? parsed(value) : undefined
    return inner === undefined ? [value] : textsOf(inner)
  }
  if (typeof value === 'number') return [String(value)]
  if (Array.isArray(value)) return value.flatMap(textsOf)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [key, ...textsOf(inner)])
}

export function instructionsIn(texts: readonly string[]): Instruction[] {
  const complete = texts.join('\n')
  const found = new Map<string, Instruction>()
  for (const text of [...texts.flatMap(readings), ...readings(pieces(complete))])
    for (const [, tool = '', args = ''] of text.matchAll(instruction)) found.set(`${tool} ${args}`, { tool, args })
  return [...found.values()]
}

/** An order that two sources give together: `piece 1 of 2 <<call se>>` and `piece 2 of 2 <<nd with {…}>>`. */
const pieces = (text: string): string =>
  [...text.matchAll(/piece (\d) of \d <<(.*?)>>/gs)]
    .sort(([, a = ''], [, b = '']) => Number(a) - Number(b))
    .map(([, , part]) => part)
    .join('')

const cache = new Map<string, string[]>()

/** A text as it stands, and what is hidden in it: the model sees through every disguise of `wordings.ts`. */
export function readings(text: string): string[] {
  const known = cache.get(text)
  if (known) return known
  const plain = text.replace(/\\+"/g, '"')
  const all = new Set([plain])
  for (const decode of decoders) {
    const read = decode(plain)
    if (read !== undefined && read !== plain) all.add(read.replace(/\\+"/g, '"'))
  }
  if (cache.size > 5_000) cache.clear()
  cache.set(text, [...all])
  return [...all]
}

const matches = (text: string, pattern: RegExp, decode: (found: string) => string) => {
  const found = [...text.matchAll(pattern)].map(([one]) => decode(one))
  return found.length > 0 ? found.join('\n') : undefined
}
const fromBytes = (encoding: BufferEncoding) => (text: string) => Buffer.from(text, encoding).toString('utf8')
const lookalikes: Readonly<Record<string, string>> = { а: 'a', е: 'e', о: 'o', с: 'c', і: 'i', р: 'p', һ: 'h' }

const decoders: readonly ((text: string) => string | undefined)[] = [
  (text) => text.normalize('NFKC'),
  (text) => text.replace(/\p{Cf}|\u034f|\u115f|\u3164|[\ufe00-\ufe0f]/gu, ''),
  (text) => text.replace(/[аеосірһ]/g, (one) => lookalikes[one] ?? one),
  (text) => matches(text, /[A-Za-z0-9+/_-]{32,}={0,2}/g, fromBytes('base64')),
  (text) => matches(text, /(?:[0-9a-fA-F]{2}){24,}/g, fromBytes('hex')),
  (text) => matches(text, /(?:%[0-9A-Fa-f]{2}|[\w.~-])+(?:%[0-9A-Fa-f]{2})(?:%[0-9A-Fa-f]{2}|[\w.~-])*/g, percent),
  (text) => [...text].reverse().join(''),
  (text) => text.replace(/[a-z]/gi, rotate),
  (text) => matches(text, /[\u{e0020}-\u{e007e}]+/gu, tagCharacters),
  (text) => matches(text, /[\u{e0100}-\u{e01ef}]+/gu, variationSelectors),
  (text) => text.replace(/&#x?([0-9a-f]+);/gi, (_, code) => String.fromCodePoint(Number.parseInt(code, 16))),
  (text) => text.replace(/\\+u([0-9a-f]{4})/gi, (_, code) => String.fromCharCode(Number.parseInt(code, 16))),
  (text) => matches(text, /(?:\S ){20,}\S/g, (spaced) => spaced.replace(/(\S) /g, '$1').replaceAll('·', ' ')),
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escapes of terminals are what is looked for
  (text) => text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, ''),
  (text) => text.replace(/<!--|-->|<[^>]*>/g, ''),
]

function percent(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
export const rotate = (letter: string): string => {
  const base = letter <= 'Z' ? 65 : 97
  return String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base)
}
const tagCharacters = (text: string) =>
  [...text].map((one) => String.fromCodePoint((one.codePointAt(0) as number) - 0xe0000)).join('')
const variationSelectors = (text: string) =>
  Buffer.from([...text].map((one) => (one.codePointAt(0) as number) - 0xe0100 + 16)).toString('utf8')
