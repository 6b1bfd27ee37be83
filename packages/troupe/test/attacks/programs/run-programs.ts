/** Executes programs: rows and own code in this process, named tests in one run of vitest. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TroupeConfig } from '../../../src/index.ts'
import { corpus } from '../corpus.ts'
import { runCorpus, sample } from '../run-corpus.ts'
import type { NamedTests, Program } from './trial.ts'

export interface ProgramVerdict {
  readonly program: Program
  readonly tried: number
  /** The attempts that succeeded or could not be carried out; empty if the program holds. */
  readonly broken: readonly string[]
}

export interface ProgramOptions {
  readonly storage: () => TroupeConfig['storage']
  readonly storageName: string
  /** Of the rows of each program, beside one of each channel. */
  readonly share?: number
}

/** The rows and the own code of a program. */
export async function runProgram(
  program: Program,
  { storage, storageName, share = 1 }: ProgramOptions,
): Promise<ProgramVerdict> {
  const broken: string[] = []
  let tried = 0
  if (program.rows) {
    const { rows } = program
    const attacks = sample(
      corpus.filter(({ id }) => rows.test(id)),
      { share, seed: 'programs' },
    ).map(({ twin: _, ...attack }) => attack)
    const verdicts = await runCorpus(attacks, { storage, storageName })
    tried += verdicts.filter(({ notTried }) => notTried === undefined).length
    for (const { problem, error } of verdicts) broken.push(...[problem, error].filter((one) => one !== undefined))
  }
  const check = (what: string, holds: boolean, detail?: unknown) => {
    tried++
    if (!holds) broken.push(`${what}: ${typeof detail === 'string' ? detail : JSON.stringify(detail)}`)
  }
  try {
    await program.trial?.({ storage, storageName, check })
  } catch (error) {
    broken.push(`not carried out: ${error instanceof Error ? error.message : error}`)
  }
  return { program, tried, broken }
}

const packageFolder = join(import.meta.dirname, '../../..')
const workspace = join(packageFolder, '../..')

/** As vitest writes it for each test. */
export interface TestResult {
  readonly file: string
  readonly title: string
  readonly status: string
}

/** Runs the files of the named tests once. */
export function runTests(tests: readonly NamedTests[]): readonly TestResult[] {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-programs-'))
  const report = join(folder, 'tests.json')
  const files = [...new Set(tests.map(({ file }) => join('packages/troupe', file)))]
  const vitest = join(workspace, 'node_modules/vitest/vitest.mjs')
  const options = ['--reporter=json', `--outputFile.json=${report}`]
  spawnSync(process.execPath, [vitest, 'run', ...files, ...options], { cwd: workspace, stdio: 'inherit' })
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
    readonly testResults: readonly {
      readonly name: string
      readonly assertionResults: readonly { readonly title: string; readonly status: string }[]
    }[]
  }
  rmSync(folder, { recursive: true })
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ title, status }) => ({ file: name, title, status })),
  )
}

/** Judges the named tests of a program by the results of their files. */
export function testVerdict({ tests = [] }: Program, results: readonly TestResult[]) {
  const broken: string[] = []
  let tried = 0
  for (const { file, titles = [''] } of tests)
    for (const beginning of titles) {
      const own = results.filter((one) => one.file.endsWith(file) && one.title.startsWith(beginning))
      tried += own.filter(({ status }) => status === 'passed').length
      if (!own.some(({ status }) => status === 'passed')) broken.push(`${file}: no test passed: ${beginning}`)
      for (const { title, status } of own) if (status === 'failed') broken.push(`${file}: ${title}`)
    }
  return { tried, broken }
}
