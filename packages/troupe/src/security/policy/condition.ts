/**
 * The condition of a policy rule: which labels a call of a tool must carry. A recursive descent parser; the text, the
 * number of tests and the depth are bounded.
 *
 *     condition = all { "or" all }        all  = one { "and" one }
 *     one       = "not" one | "(" condition ")" | subject test
 *     subject   = "call" | "any" "arg" | "args" { "." ( name | number | "*" ) | "[" text "]" }
 *     test      = "is" [ "not" ] ( "untrusted" | "trusted" | "sensitive" ) | "has" text
 */
import { invalidInput, nearest } from '../../core/index.ts'

export type LabelCondition =
  | { readonly is: 'and' | 'or'; readonly parts: readonly LabelCondition[] }
  | { readonly is: 'not'; readonly part: LabelCondition }
  | { readonly is: 'test'; readonly subject: Subject; readonly test: LabelTest }

/** `call`: the data that the model had read, and every argument. `any`: every argument. `path`: one argument with its content. */
export type Subject =
  | { readonly of: 'call' }
  | { readonly of: 'any' }
  | { readonly of: 'path'; readonly path: readonly string[] }

/** A kind of label, or the name of a source: `web`, or with its kind `untrusted:web`. */
export type LabelTest = { readonly kind: 'untrusted' | 'sensitive' } | { readonly source: string }

const limits = { characters: 1_000, tests: 50, depth: 20 }

interface Token {
  readonly text: string
  readonly kind: 'word' | 'quoted' | 'symbol' | 'end'
  /** Counted from 1, as in editors. */
  readonly column: number
}

/** @param where the name of the option in the error @throws ValidationError with the position of the problem */
export function parseCondition(text: string, where: string): LabelCondition {
  if (text.length > limits.characters) throw invalidInput(where, `it is longer than ${limits.characters} characters`)
  return new Parser(tokensOf(text, where), where).complete()
}

const tokenPattern = /\s*(?:([A-Za-z_$][\w$-]*|\d+)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|([().*[\]]))/y

function tokensOf(text: string, where: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  while (text.slice(at).trim() !== '') {
    tokenPattern.lastIndex = at
    const found = tokenPattern.exec(text)
    if (!found) {
      const column = at + (/\S/.exec(text.slice(at))?.index ?? 0) + 1
      throw invalid(where, column, `${JSON.stringify(text[column - 1])} has no meaning here`)
    }
    const [complete, word, quoted, symbol] = found
    const value = (word ?? quoted ?? symbol) as string
    tokens.push({
      text: quoted === undefined ? value : value.slice(1, -1).replaceAll(/\\(.)/g, '$1'),
      kind: word !== undefined ? 'word' : quoted !== undefined ? 'quoted' : 'symbol',
      column: at + complete.length - value.length + 1,
    })
    at = tokenPattern.lastIndex
  }
  return [...tokens, { text: '', kind: 'end', column: text.length + 1 }]
}

const invalid = (where: string, column: number, problem: string) =>
  invalidInput(where, `at character ${column}: ${problem}`)

class Parser {
  readonly #tokens: readonly Token[]
  readonly #where: string
  #at = 0
  #tests = 0

  constructor(tokens: readonly Token[], where: string) {
    this.#tokens = tokens
    this.#where = where
  }

  complete(): LabelCondition {
    const condition = this.#condition(0)
    if (this.#next.kind !== 'end') throw this.#expected(['and', 'or', 'the end'])
    return condition
  }

  get #next(): Token {
    return this.#tokens[this.#at] as Token
  }

  #take(): Token {
    const token = this.#next
    if (token.kind !== 'end') this.#at++
    return token
  }

  #takes(text: string): boolean {
    const { kind, text: next } = this.#next
    if (kind === 'quoted' || next !== text) return false
    this.#at++
    return true
  }

  #condition(depth: number): LabelCondition {
    return this.#chain('or', () => this.#chain('and', () => this.#one(depth)))
  }

  #chain(word: 'and' | 'or', part: () => LabelCondition): LabelCondition {
    const parts = [part()]
    while (this.#takes(word)) parts.push(part())
    return parts.length === 1 ? (parts[0] as LabelCondition) : { is: word, parts }
  }

  #one(depth: number): LabelCondition {
    if (depth > limits.depth) throw invalid(this.#where, this.#next.column, `more than ${limits.depth} levels`)
    if (this.#takes('not')) return { is: 'not', part: this.#one(depth + 1) }
    if (this.#takes('(')) {
      const inner = this.#condition(depth + 1)
      if (!this.#takes(')')) throw this.#expected([')'])
      return inner
    }
    if (++this.#tests > limits.tests) throw invalid(this.#where, this.#next.column, `more than ${limits.tests} tests`)
    return this.#test(this.#subject())
  }

  #subject(): Subject {
    if (this.#takes('call')) return { of: 'call' }
    if (this.#takes('any')) {
      if (!this.#takes('arg')) throw this.#expected(['arg'])
      return { of: 'any' }
    }
    if (!this.#takes('args')) throw this.#expected(['args.NAME', 'any arg', 'call', 'not', '('])
    const path: string[] = []
    for (;;) {
      if (this.#takes('.')) path.push(this.#name())
      else if (this.#takes('[')) {
        if (this.#next.kind !== 'quoted') throw this.#expected(['a name in quotes'])
        path.push(this.#take().text)
        if (!this.#takes(']')) throw this.#expected([']'])
      } else return path.length === 0 ? { of: 'any' } : { of: 'path', path }
    }
  }

  #name(): string {
    if (this.#takes('*')) return '*'
    if (this.#next.kind !== 'word') throw this.#expected(['the name of an argument', '*'])
    return this.#take().text
  }

  #test(subject: Subject): LabelCondition {
    if (this.#takes('has')) {
      if (this.#next.kind !== 'quoted' || this.#next.text === '')
        throw this.#expected(["the name of a source in quotes, such as 'web'"])
      return { is: 'test', subject, test: { source: this.#take().text } }
    }
    if (!this.#takes('is')) throw this.#expected(['is', 'has'])
    const negated = this.#takes('not')
    for (const kind of ['untrusted', 'sensitive', 'trusted'] as const)
      if (this.#takes(kind)) {
        const test: LabelCondition = { is: 'test', subject, test: { kind: kind === 'trusted' ? 'untrusted' : kind } }
        return negated === (kind === 'trusted') ? test : { is: 'not', part: test }
      }
    throw this.#expected(['untrusted', 'trusted', 'sensitive'])
  }

  #expected(wanted: readonly string[]) {
    const { kind, text, column } = this.#next
    const near = kind === 'word' ? nearest(text, wanted) : undefined
    const found = kind === 'end' ? 'the end' : JSON.stringify(text)
    const meant = near === undefined ? '' : `; did you mean ${near}?`
    return invalid(this.#where, column, `expected ${wanted.join(', ')}, got ${found}${meant}`)
  }
}

/** The arguments that a condition names, each by its path. */
export function pathsIn(condition: LabelCondition): readonly (readonly string[])[] {
  if (condition.is === 'test') return condition.subject.of === 'path' ? [condition.subject.path] : []
  return condition.is === 'not' ? pathsIn(condition.part) : condition.parts.flatMap(pathsIn)
}

export function countTests(condition: LabelCondition): number {
  if (condition.is === 'test') return 1
  if (condition.is === 'not') return countTests(condition.part)
  return condition.parts.reduce((sum, part) => sum + countTests(part), 0)
}
