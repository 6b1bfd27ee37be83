/**
 * Repeats the programs of the assessment, and prints `holds` or `BROKEN` for each; ends with 1 if one is broken.
 *
 * npm run attacks:programs -- [--storage sqlite|postgres|memory] [--only 05] [--without-tests]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { dropSchema, missingServer, schemaName, server } from '../../postgres/postgres-server.ts'
import { programs } from './programs.ts'
import { runProgram, runTests, testVerdict } from './run-programs.ts'

const { values } = parseArgs({
  options: {
    storage: { type: 'string', default: 'sqlite' },
    only: { type: 'string', multiple: true },
    'without-tests': { type: 'boolean', default: false },
  },
})
const storageName = values.storage
if (storageName === 'postgres' && (await missingServer()) !== undefined) process.exit(1)
const folder = mkdtempSync(join(tmpdir(), 'troupe-programs-'))
const schemas: string[] = []
let databases = 0
const storage = () => {
  if (storageName === 'memory') return 'memory:'
  if (storageName === 'sqlite') return `sqlite:${join(folder, `${++databases}.db`)}`
  const schema = schemaName(`programs_${++databases}`)
  schemas.push(schema)
  return { url: server, schema }
}
const chosen = programs.filter(({ number }) => values.only?.includes(number) ?? true)
const tests = values['without-tests'] ? [] : chosen.flatMap((program) => program.tests ?? [])
const results = tests.length > 0 ? runTests(tests) : []
let broken = 0
for (const program of chosen) {
  const own = await runProgram(program, { storage, storageName })
  const tested = values['without-tests'] ? { tried: 0, broken: [] } : testVerdict(program, results)
  const tried = own.tried + tested.tried
  const problems = [...own.broken, ...tested.broken, ...(tried === 0 ? ['nothing was tried'] : [])]
  if (problems.length > 0) broken++
  const about = program.findings.length > 0 ? ` (${program.findings.join(', ')})` : ''
  console.log(`${program.number} ${program.name}${about}: ${problems.length > 0 ? 'BROKEN' : 'holds'}, ${tried} tried`)
  for (const problem of problems) console.log(`   ${problem.slice(0, 300)}`)
}
for (const schema of schemas) await dropSchema(schema)
rmSync(folder, { recursive: true })
console.log(`${chosen.length} programs, ${broken} broken`)
// A program that ended with an error may have left its troupe open.
process.exit(broken > 0 ? 1 : 0)
