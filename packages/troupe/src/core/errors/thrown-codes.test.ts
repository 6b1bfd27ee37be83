/** Every code that the sources throw, found in their text: the types know none of what is a plain string. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type CatalogueEntry, catalogue, type ErrorCode } from '../index.ts'

const sourceRoot = join(import.meta.dirname, '../..')

const sources = readdirSync(sourceRoot, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.includes('.test.'))
  .map((file) => ({ file, text: readFileSync(join(sourceRoot, file), 'utf8') }))

/** Inside the parentheses that open right before `from`, up to `end` at their own depth. */
function within(text: string, from: number, end: ',' | ')'): string {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const letter = text[at] as string
    if (depth === 0 && (letter === end || letter === ')')) return text.slice(from, at)
    if ('([{'.includes(letter)) depth++
    if (')]}'.includes(letter)) depth--
  }
  return text.slice(from)
}

const callsOf = (text: string, called: RegExp, end: ',' | ')') =>
  [...text.matchAll(called)].map(({ 0: match, index }) => within(text, index + match.length, end))
const literals = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].flatMap(({ 1: code = '' }) => code)

/** What a ternary compares with is no code. */
const codesIn = (argument: string) => literals(argument.replace(/[!=]==\s*'[^']*'|'[^']*'\s*[!=]==/g, ''), /'([^']*)'/g)

function codesThrownBy(text: string): readonly string[] {
  const isArgumentText = (argument: string) => /^\s*['(\w]/.test(argument)
  return [
    ...callsOf(text, /\b(?:failure|commandFailure|staged)\(/g, ',')
      .filter(isArgumentText)
      .flatMap(codesIn),
    ...callsOf(text, /\bnew \w*Error\(/g, ')').flatMap((call) => literals(call, /\bcode: '([^']*)'/g)),
    // Defaults of classes.
    ...literals(text, /\bwithDefaults\(options, '([^']*)'/g),
    ...literals(text, /\bcode(?: =|:) (?:options\.)?code \?\? '([^']*)'/g),
    // What a change is refused with where a row is not as expected.
    ...literals(text, /\botherwise: '([^']*)'/g),
  ]
}

it('Every code that is thrown is in the catalogue, with a message and a hint.', () => {
  const thrown = sources.flatMap(({ file, text }) => codesThrownBy(text).map((code) => ({ code, file })))
  expect(new Set(thrown.map(({ code }) => code)).size).toBeGreaterThan(200)
  for (const each of ['storage.missing', 'server.unreachable', 'command.failed', 'not_found', 'troupe.unopened'])
    expect(thrown.map(({ code }) => code)).toContain(each)
  expect(thrown.filter(({ code }) => !Object.hasOwn(catalogue, code))).toEqual([])
  for (const { code } of thrown) {
    const { message, hint }: CatalogueEntry = catalogue[code as ErrorCode]
    expect([message, hint], code).toEqual([expect.stringMatching(/\w/), expect.stringMatching(/\w/)])
  }
})

it('No hint names a file that only the repository has.', () => {
  const repositoryFile = /\b(?:docs|scripts|examples|bench|packages)\/|\b\w+\.md\b|\bnpm (?:run|start|test)\b/
  const ofCatalogue = Object.entries<CatalogueEntry>(catalogue).map(([code, { hint }]) => ({ where: code, hint }))
  const ofCommandLine = sources
    .filter(({ file }) => file.startsWith('cli'))
    .flatMap(({ file, text }) =>
      [
        ...literals(text, /\bhint: (['`].*['`])/g),
        ...callsOf(text, /\b(?:misused|CliError)\(/g, ')').flatMap((call) => literals(call, /('[^']*')/g)),
      ].map((hint) => ({ where: file, hint })),
    )
  expect(ofCommandLine.length).toBeGreaterThan(20)
  expect([...ofCatalogue, ...ofCommandLine].filter(({ hint }) => repositoryFile.test(hint))).toEqual([])
})
