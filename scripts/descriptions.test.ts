import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { undescribed } from './descriptions.ts'
import { PublicNames } from './public-names.ts'

/** Returns what the check finds in a library of these declarations, of which `dist/index.d.ts` is the entry. */
function missingIn(files: Readonly<Record<string, string>>, moduleName?: string): readonly string[] {
  const library = mkdtempSync(join(tmpdir(), 'descriptions-'))
  try {
    const exports = { '.': { types: './dist/index.d.ts' }, './package.json': './package.json' }
    const all = { 'package.json': JSON.stringify({ exports }), ...files }
    for (const [path, text] of Object.entries(all)) {
      mkdirSync(dirname(join(library, path)), { recursive: true })
      writeFileSync(join(library, path), text)
    }
    return undescribed(new PublicNames(library), moduleName)
  } finally {
    rmSync(library, { recursive: true })
  }
}

/** Returns the names that the check finds in one file, without the path. */
const missingFrom = (text: string): readonly string[] =>
  missingIn({ 'dist/index.d.ts': text }).map((name) => name.split('#')[1] ?? '')

describe('descriptions of public names', () => {
  it('The check of descriptions passes where every declaration and member has a description.', () => {
    const text = `
      /** Stores values. */
      export declare class Store extends Base {
        #private;
        private secret;
        protected inner: number;
        constructor(path: string);
        /** Returns the number of values. */
        get size(): number;
        /** Returns a value, undefined if there is none. */
        read(key: string): string | undefined;
      }
      declare class Base {
        /**
         * Closes the store.
         * @param options.signal ends the wait
         */
        close(options?: { signal?: AbortSignal }): void;
      }
      /** The name of the default store. */
      export declare const defaultStore = "main";
    `
    expect(missingFrom(text)).toEqual([])
  })

  it.each([
    ['a constant', 'export declare const limit = 1;', ['limit']],
    ['a function', 'export declare function open(): void;', ['open']],
    ['a type', "export type Mode = 'on' | 'off';", ['Mode']],
    ['a property of an interface', '/** A page. */ export interface Page { next?: string }', ['Page.next']],
    ['a method of a class', '/** A store. */ export declare class Store { close(): void }', ['Store.close']],
    ['a static method', '/** A store. */ export declare class Store { static open(): Store }', ['Store.open']],
    ['a member of a base', '/** A. */ export declare class A extends B {} declare class B { b(): void }', ['B.b']],
    [
      'a member of an option',
      '/** Opens. */ export declare function open(options: { path: string }): void',
      ['open.path'],
    ],
    [
      'a member of an option whose parameter has no text',
      '/** Opens. @param options.path */ export declare function open(options: { path: string }): void',
      ['open.path'],
    ],
    ['a nested member', '/** A. */ export interface A { /** Inner. */ inner: { deep: number } }', ['A.inner.deep']],
    [
      'a member with a quoted name',
      "/** E. */ export interface Events { 'run.started': object }",
      ['Events.run.started'],
    ],
    [
      'a member of one variant of a union',
      '/** Either. */ export type Either = { /** Its value. */ value: 1 | 2 } | { value: string }',
      ['Either.value'],
    ],
  ])('The check of descriptions finds %s without description.', (_, text, names) => {
    expect(missingFrom(text)).toEqual(names)
  })

  it.each([
    ['a comment that editors do not show', '// Opens a store.\nexport declare function open(): void;'],
    ['a block comment that editors do not show', '/* Opens a store. */\nexport declare function open(): void;'],
    ['an empty comment', '/** */\nexport declare function open(): void;'],
    ['a tag without text', '/** @public */\nexport declare function open(): void;'],
    ['a comment of the declaration before', '/** A. */\ndeclare const a: 1;\nexport declare function open(): void;'],
  ])('The check of descriptions does not accept %s as a description.', (_, text) => {
    expect(missingFrom(text)).toEqual(['open'])
  })

  it('The check of descriptions finds a declaration that the entry exports from another file, under the path of that file.', () => {
    const files = {
      'dist/index.d.ts': "export { Clock } from './time/clock.ts'\nexport type { Hidden } from './other/hidden.ts'",
      'dist/time/clock.d.ts': 'export interface Clock { /** Returns ms. */ now(): number }',
      'dist/other/hidden.d.ts':
        'export interface Hidden { /** A name. */ name: string }\nexport interface Private { a: 1 }',
    }
    expect(missingIn(files)).toEqual(['dist/time/clock.d.ts#Clock', 'dist/other/hidden.d.ts#Hidden'])
    expect(missingIn(files, 'time')).toEqual(['dist/time/clock.d.ts#Clock'])
  })

  it('The check of descriptions accepts the description of an interface for the member of a class that implements it.', () => {
    const files = {
      'dist/index.d.ts': `
        import type { Clock } from './clock.ts'
        /** The clock of the machine. */
        export declare class SystemClock implements Clock { now(): number; stop(): void }`,
      'dist/clock.d.ts':
        'interface Timed { /** Returns ms. */ now(): number }\nexport interface Clock extends Timed {}',
    }
    expect(missingIn(files)).toEqual(['dist/index.d.ts#SystemClock.stop'])
  })

  it('The check of descriptions asks for no description of a member whose type is one literal.', () => {
    expect(missingFrom("/** A text. */ export interface Text { readonly type: 'text' }")).toEqual([])
  })

  it('The check of descriptions skips the files that are exempt.', () => {
    const files = {
      'dist/index.d.ts': "export type { Operations } from './client/generated/schema.ts'",
      'dist/client/generated/schema.d.ts': 'export interface Operations { list: object }',
    }
    expect(missingIn(files)).toEqual([])
  })
})
