/** The programs of the assessment: their rows and their own code in every build, and that each finding has one. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../postgres/postgres-server.ts'
import { corpus } from '../corpus.ts'
import { findings, programs } from './programs.ts'
import { runProgram, testVerdict } from './run-programs.ts'

const schemas: string[] = []
afterAll(async () => {
  for (const schema of schemas) await dropSchema(schema)
}, 600_000)
const memory = { storage: () => 'memory:', storageName: 'memory', share: 0.03 }

test('Each finding and each of the 22 programs of the assessment has a trial.', () => {
  const numbers = Array.from({ length: 22 }, (_, i) => String(i + 1).padStart(2, '0'))
  expect(programs.map(({ number }) => number)).toEqual(numbers)
  const repeated = new Set(programs.flatMap((program) => program.findings))
  expect([...repeated].sort()).toEqual([...findings].sort())
  for (const { number, rows, tests, trial } of programs)
    expect([number, (rows ?? tests ?? trial) !== undefined]).toEqual([number, true])
})

test('The rows and the tests that repeat a program exist.', () => {
  for (const { number, rows, tests = [] } of programs) {
    if (rows) expect([number, corpus.some(({ id }) => rows.test(id))]).toEqual([number, true])
    for (const { file, titles = [] } of tests) {
      const source = readFileSync(join(import.meta.dirname, '../../..', file), 'utf8')
      for (const title of titles) expect([file, title, source.includes(title)]).toEqual([file, title, true])
    }
  }
})

const withOwnTrial = programs.filter(({ trial }) => trial)
/** The rows of 15 need PostgreSQL, and those of 04 take minutes. */
const withRows = programs.filter(({ rows, number }) => rows && number !== '04' && number !== '15')
test.each([...new Set([...withRows, ...withOwnTrial])])(
  'The program $number of the assessment ($name) holds in memory.',
  async (program) => {
    const { broken, tried } = await runProgram(program, memory)
    expect(broken).toEqual([])
    expect(tried).toBeGreaterThan(0)
  },
)

test.for(withOwnTrial)(
  'The program $number of the assessment ($name) holds on PostgreSQL.',
  async (program, context) => {
    const missing = await missingServer()
    if (missing !== undefined) return context.skip(missing)
    const storage = () => {
      const schema = schemaName(`program_${schemas.length}`)
      schemas.push(schema)
      return { url: server, schema }
    }
    const { broken, tried } = await runProgram({ ...program, rows: undefined } as never, {
      storage,
      storageName: 'postgres',
    })
    expect(broken).toEqual([])
    expect(tried).toBeGreaterThan(0)
  },
)

test('A program is broken if an attempt succeeds, if it throws, or if a named test fails or is missing.', async () => {
  const [program] = programs
  if (!program) throw new Error('no program')
  const empty = { number: '99', findings: [], name: 'broken' }
  const succeeded = await runProgram({ ...empty, trial: async ({ check }) => check('x', false, 'sent') }, memory)
  expect(succeeded.broken).toEqual(['x: sent'])
  const thrown = await runProgram({ ...empty, trial: () => Promise.reject(new Error('no')) }, memory)
  expect(thrown.broken).toEqual(['not carried out: no'])
  const tests = [{ file: 'a.test.ts', titles: ['A title'] }]
  const result = (status: string, title = 'A title that goes on') => [{ file: '/x/a.test.ts', title, status }]
  expect(testVerdict({ ...empty, tests }, result('passed'))).toEqual({ tried: 1, broken: [] })
  for (const results of [result('failed'), result('passed', 'Another'), []])
    expect(testVerdict({ ...empty, tests }, results).broken).not.toEqual([])
})
