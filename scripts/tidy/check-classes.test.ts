import { expect, test } from 'vitest'
import { classSizes, maxPrivateMembers } from './check-classes.ts'
import { findingsWith, library } from './planted-tree.ts'
import { parseSource } from './source-file.ts'

const path = `${library}/context/wide.ts`
const sizesOf = (text: string) => classSizes(parseSource(path, text)).map(({ name, members }) => [name, members])
const wide = (members: number, name = 'Wide') =>
  `/** Wide. */\nexport class ${name} {\n${Array.from({ length: members }, (_, n) => `  #field${n} = ${n}\n`).join('')}}\n`

test('A class may have 15 private members and not 16.', () => {
  expect(findingsWith({ [path]: wide(maxPrivateMembers) })).toEqual([])
  expect(findingsWith({ [path]: wide(maxPrivateMembers + 1) })).toEqual([`${path} class`])
})

test('Private fields, methods, accessors and parameter properties count.', () => {
  const text = `export class Mixed {
    #field = 1
    static #shared = 1
    private readonly old = 2
    #method() {}
    private also() {}
    get #value() { return 1 }
    set #value(value) {}
    constructor(private readonly port: string, private clock: number) {}
  }`
  expect(sizesOf(text)).toEqual([['Mixed', 9]])
})

test('Public members, local functions and plain parameters do not count.', () => {
  const text = `export class Open {
    field = 1
    readonly other = () => 1
    method() {}
    get value() { return 1 }
    static create() { return new Open('a', 1) }
    constructor(readonly port: string, clock: number) {}
  }`
  expect(sizesOf(text)).toEqual([['Open', 0]])
})

test('A class inside a function, one without a name and a private constructor are read.', () => {
  const text =
    'export const made = () => class { #a = 1 }\nexport function open() {\n  class Inner { #b = 1; private constructor() {} }\n  return Inner\n}'
  expect(sizesOf(text)).toEqual([
    ['(class)', 1],
    ['Inner', 1],
  ])
})

test('A test and another package may have larger classes.', () => {
  const found = findingsWith({
    [`${library}/context/wide.test.ts`]: wide(20),
    'packages/troupe/test/crash/trial.ts': wide(20),
    'examples/research/wide.ts': wide(20),
  })
  expect(found).toEqual([])
})
