/** Names that use a word of vocabulary.ts: identifiers, files and folders, events, settings, tables, columns, error codes. */
import type { Finding } from './finding.ts'
import { libraryRoot } from './modules.ts'
import { bound } from './references.ts'
import { lineOf, type Node, type SourceFile, visit } from './source-file.ts'
import { type BannedWords, bannedWords, exemptions } from './vocabulary.ts'
import { type Workspace, within } from './workspace.ts'

export function checkVocabulary(workspace: Workspace): Finding[] {
  return [
    ...workspace.paths.flatMap(checkPath),
    ...[...workspace.sources.values(), ...workspace.programs.values()].flatMap(checkSource),
  ]
}

const named = /^(packages|examples|bench|scripts|deploy|peers)\//

function checkPath(path: string): Finding[] {
  if (!named.test(path)) return []
  const found = path.split('/').flatMap((segment) => uses(segment.replace(/\.\w+$/, ''), path))
  return [...new Set(found)].map((message) => ({ path, line: 1, rule: 'vocabulary', message }))
}

interface Named {
  readonly name: string
  readonly node: Node
  /** Bound here as a variable: only such a name may break a rule for variables, and breaks no other. */
  readonly isVariable: boolean
}

/** A name is reported once in a file, at its first use. */
function checkSource(file: SourceFile): Finding[] {
  const seen = new Set<string>()
  return namesOf(file).flatMap(({ name, node, isVariable }) => {
    const key = `${isVariable} ${name}`
    if (seen.has(key)) return []
    seen.add(key)
    const line = lineOf(file.text, node.start)
    const messages = uses(name, file.path, isVariable)
    return messages.map((message) => ({ path: file.path, line, rule: 'vocabulary', message }))
  })
}

function namesOf(file: SourceFile): Named[] {
  const names: Named[] = []
  const add = (name: string, node: Node, isVariable = false) => names.push({ name, node, isVariable })
  visit(file.program, (node) => {
    if (node.type === 'Identifier' || node.type === 'PrivateIdentifier') add(node.name, node)
    else if (node.type === 'Property' && node.key.type === 'Literal' && isPublished(file.path))
      add(String(node.key.value), node)
    else if (file.path.startsWith('packages/')) for (const name of sqlNames(textOf(node))) add(name, node)
    for (const name of boundBy(node)) add(name, node, true)
  })
  return [...names, ...settingsOf(file)]
}

/** Files whose keys are published names: events and error codes. */
const isPublished = (path: string): boolean =>
  path === `${libraryRoot}/core/events/event-names.ts` || within(path, `${libraryRoot}/core/errors/codes`)

function settingsOf(file: SourceFile): Named[] {
  const settings: Named[] = []
  if (file.path !== `${libraryRoot}/configuration/settings/settings.ts`) return settings
  visit(file.program, (node) => {
    if (node.type === 'Property' && node.key.name === 'path' && typeof node.value.value === 'string')
      settings.push({ name: node.value.value, node, isVariable: false })
  })
  return settings
}

/** The text of a string or of a part of a template; '' of any other node. */
function textOf(node: Node): string {
  if (node.type === 'TemplateElement') return node.value.cooked ?? ''
  return node.type === 'Literal' && typeof node.value === 'string' ? node.value : ''
}

const constraint = /^(primary|unique|check|foreign|constraint)$/

/** The table and its columns in a text with `create table NAME (COLUMN …`. */
export function* sqlNames(text: string): Generator<string> {
  for (const [, table = '', body = ''] of text.matchAll(
    /create\s+table\s+(?:if\s+not\s+exists\s+)?([\w.]+)\s*\(((?:[^()]|\([^()]*\))*)/gi,
  )) {
    yield table
    for (const definition of body.replace(/\([^()]*\)?/g, '').split(',')) {
      const [column] = definition.trim().split(/\s/)
      if (column && /^[a-z_]\w*$/.test(column) && !constraint.test(column)) yield column
    }
  }
}

/** The variables that a node binds: of a declaration, of parameters, of an import. */
function boundBy(node: Node): string[] {
  if (node.type === 'VariableDeclarator') return [...bound(node.id)]
  if (node.type === 'CatchClause') return node.param ? [...bound(node.param)] : []
  if (/^Import.*Specifier$/.test(node.type)) return [node.local.name]
  const isFunction = /^(Function|ArrowFunction)/.test(node.type) && Array.isArray(node.params)
  return isFunction ? (node.params as Node[]).flatMap((parameter) => [...bound(parameter)]) : []
}

/** What is wrong with a name in a file, one message for each banned word. */
function uses(name: string, path: string, isVariable = false): string[] {
  const parts = `-${subWords(name).join('-')}-`
  return bannedWords.flatMap((entry) => {
    if (entry.in && !entry.in.some((folder) => within(path, folder))) return []
    const word = entry.words.find(
      (each) => isUsed(each, entry, name, parts, isVariable) && !isExempt(each, parts, path),
    )
    return word === undefined ? [] : [`'${name}' uses '${word}': say ${entry.instead}`]
  })
}

function isUsed(word: string, { as = 'part' }: BannedWords, name: string, parts: string, isVariable: boolean): boolean {
  if (isVariable !== (as === 'variable')) return false
  return as === 'part' ? parts.includes(`-${word}-`) : name === word
}

const isExempt = (word: string, parts: string, path: string): boolean =>
  exemptions.some(
    (exemption) =>
      exemption.words.some(
        (phrase) => `-${phrase}-`.includes(`-${word}-`) && parts.includes(`-${phrase.toLowerCase()}-`),
      ) &&
      (exemption.at === undefined || exemption.at.some((folder) => within(path, folder))),
  )

/** `onTold`, `on_told`, `on-told.test` → `on`, `told`, … in lower case. */
export const subWords = (name: string): string[] =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .split(/[^A-Za-z0-9]+|(?<=[a-z])(?=\d)/)
    .filter(Boolean)
    .map((word) => word.toLowerCase())
