import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { catalogue, type ErrorCode } from './catalogue.ts'
import { failure } from './failure.ts'
import { restoreError, storeError } from './stored-error.ts'
import * as classes from './troupe-error.ts'

describe('the catalogue of errors', () => {
  it('The catalogue of errors gives each code a class, a sentence and a hint.', () => {
    for (const code of Object.keys(catalogue) as ErrorCode[]) {
      const error = failure(code, {})
      expect(error, code).toBeInstanceOf(classes.TroupeError)
      expect(error.code).toBe(code)
      expect(error.name).toBe(error.constructor.name)
      expect(error.message, code).toMatch(/^[A-Z{].*[.}]$/s)
      expect(error.hint, code).toMatch(/[.?}]$/)
      expect(error.status, code).toBeGreaterThanOrEqual(400)
      expect(code).toMatch(/^[a-z_]+(\.[a-z_]+)*$/)
    }
  })
  it('The catalogue of errors has each code in one module only.', async () => {
    const moduleNames = readdirSync(new URL('./codes/', import.meta.url)).map((file) => file.replace(/\.ts$/, ''))
    const modules = await Promise.all(
      moduleNames.map((moduleName) => import(`./codes/${moduleName}.ts`) as Promise<object>),
    )
    const codes = modules.flatMap((imported) => Object.values(imported).flatMap((each) => Object.keys(each as object)))
    expect(codes.filter((code, i) => codes.indexOf(code) !== i)).toEqual([])
    expect(codes).toHaveLength(Object.keys(catalogue).length)
  })
  it('An error message contains its values, shortened if they are long.', () => {
    const error = failure('storage.owned', { path: '/data/troupe.db', pid: 17, host: 'a', since: 'x'.repeat(1_000) })
    expect(error.message).toMatch(/^The database \/data\/troupe\.db is owned by process 17 on a, since x{300}…/)
    expect(error.details).toMatchObject({ pid: 17 })
  })
  it('An error message about several things has a verb in the plural.', () => {
    const messageOf = (what: string) => failure('validation.failed', { what, problem: 'n: 1' }).message
    expect(messageOf('The arguments of add')).toBe('The arguments of add are not valid: n: 1.')
    expect(messageOf('The checkpoints /a b.jsonl')).toBe('The checkpoints /a b.jsonl are not valid: n: 1.')
    expect(messageOf('The checkpoints')).toBe('The checkpoints are not valid: n: 1.')
    for (const one of ['The status', 'The access of Clerk', 'The analysis', 'The task of agents', 'alerts', 'a.rules'])
      expect(messageOf(one)).toBe(`${one} is not valid: n: 1.`)
    expect(failure('value.too_large', { what: 'The arguments', bytes: 2, limit: 1 }).message).toMatch(
      /^The arguments have 2/,
    )
  })
  it('An error message counts one thing in the singular.', () => {
    const messageOf = (attempts: number) => failure('model.failed', { model: 'a/b', attempts, problem: 'no' }).message
    expect(messageOf(1)).toBe('The model a/b failed after 1 attempt: no.')
    expect(messageOf(11)).toBe('The model a/b failed after 11 attempts: no.')
  })
  it('An error message ends in one full stop after the message of another error.', () => {
    const messageOf = (problem: string) => failure('tool.failed', { tool: 'pay', problem }).message
    expect(messageOf('no room')).toBe('The tool pay failed: no room.')
    expect(messageOf('There is no room.')).toBe('The tool pay failed: There is no room.')
    expect(messageOf(messageOf('is it on?'))).toBe('The tool pay failed: The tool pay failed: is it on?')
  })
})

describe('an error with invalid options', () => {
  it('An error with invalid options is a ValidationError whose cause is what was passed.', () => {
    const reason = new Error('the disk is full')
    const make = (...parameters: readonly unknown[]) =>
      catchError(() => new classes.AgentError(...(parameters as [string])))
    expect(make('The agent failed.', reason)).toMatchObject({ code: 'validation.failed', cause: reason })
    expect(make(reason)).toMatchObject({ code: 'validation.failed', cause: reason })
    expect(make('m', { code: 5 }).message).toBe('An error was made wrongly: its code must be a string, got 5.')
    expect(make('m', { code: 'x', other: 1 })).toMatchObject({ name: 'AgentError', code: 'x' })
  })
})

function catchError(make: () => classes.TroupeError): classes.TroupeError {
  try {
    return make()
  } catch (error) {
    return error as classes.TroupeError
  }
}

describe('stored errors', () => {
  it('A stored error is restored as its class, with code, hint and details.', () => {
    const all = Object.values(classes).map(
      (Class) => new Class('what happened', { hint: 'do this', details: { a: 1 } }),
    )
    for (const error of all) {
      const back = restoreError(JSON.parse(JSON.stringify(storeError(error))))
      expect(back).toBeInstanceOf(error.constructor)
      const { errorId } = storeError(error)
      expect({ ...back, message: back.message }).toEqual({ ...error, message: error.message, errorId })
    }
  })
  it('A stored error is restored with the status of its code.', () => {
    const full = failure('storage.full', { path: 'a.db' })
    expect([full.status, restoreError(storeError(full)).status]).toEqual([507, 507])
  })
  it('storeError accepts any thrown value, and stores no stack.', () => {
    for (const thrown of [new TypeError('t'), 'a text', undefined, null, { odd: 1 }, 5n, Symbol('s')]) {
      const stored = storeError(thrown)
      expect(JSON.stringify(stored)).not.toMatch(/\.ts:\d+/)
      expect(restoreError(stored)).toBeInstanceOf(classes.TroupeError)
    }
    expect(restoreError(storeError(new TypeError('t'))).name).toBe('TypeError')
  })
  it('storeError accepts values that throw when they are read, and values that JSON cannot represent.', () => {
    const evil = new Proxy(
      {},
      {
        get() {
          throw new Error('inside')
        },
      },
    )
    const cycle: { me?: unknown } = {}
    cycle.me = cycle
    for (const thrown of [
      evil,
      Object.assign(new Error('m'), { message: 5, name: Symbol('n') }),
      Object.defineProperty(new Error('m'), 'message', { get: () => evil.toString() }),
      new classes.CriticalError('m', { details: cycle as never }),
      new classes.CriticalError('m', { details: { text: 'x'.repeat(9_000_000) } }),
      Object.assign(new classes.CriticalError('m'), { hint: () => 1 }),
    ]) {
      const stored = storeError(thrown)
      expect(JSON.parse(JSON.stringify(stored))).toEqual(stored)
      expect(JSON.stringify(stored).length).toBeLessThan(1_000)
    }
  })
})
