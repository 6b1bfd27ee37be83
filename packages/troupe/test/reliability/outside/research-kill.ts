/**
 * `npm start` is killed at random moments, once or twice, and resumed, now and then by two processes at once: the report
 * is that of an undisturbed run, and no step is executed after it completed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Random } from '../../../src/index.ts'
import { harness } from '../library-under-test.ts'
import type { Program } from './program.ts'

const repository = join(import.meta.dirname, '../../../../..')
const question = 'What survives a crash, and how is a write acknowledged?'
const documents = ['--docs', 'docs']

interface Execution {
  readonly code: number | null
  readonly isKilled: boolean
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
}
/** After so many lines and ms more, or after so many ms of the process. */
interface KillPoint {
  readonly lines: number
  readonly ms: number
}

function execute(parameters: readonly string[], folder: string, killPoint?: KillPoint): Promise<Execution> {
  const began = performance.now()
  const folders = ['--data', join(folder, 'data'), '--reports', join(folder, 'reports'), '--once']
  const child: ChildProcess = spawn(process.execPath, ['examples/research/main.ts', ...parameters, ...folders], {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  let timer: NodeJS.Timeout | undefined
  const kill = () => void child.kill('SIGKILL')
  const check = () => {
    if (killPoint && timer === undefined && stdout.split('\n').length > killPoint.lines)
      timer = setTimeout(kill, killPoint.ms)
  }
  check()
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    check()
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, isKilled: signal === 'SIGKILL', stdout, stderr, ms: performance.now() - began })
    })
  })
}

/** The report without the account of its run: ids, times and costs differ from run to run. */
function reportsIn(folder: string): readonly string[] {
  const reports = join(folder, 'reports')
  if (!existsSync(reports)) return []
  const names = readdirSync(reports).filter((name) => name.endsWith('.md'))
  return names.map((name) => readFileSync(join(reports, name), 'utf8').split('\n## This run')[0] as string)
}

const stepsIn = ({ stdout }: Execution, type: 'started' | 'completed') =>
  [...stdout.matchAll(new RegExp(`step\\.${type} \\S+ \\[([^\\]]+)\\]`, 'g'))].map(([, step]) => step as string)

/** Steps that an execution started or completed although an earlier one had completed them. */
function repeatedSteps(executions: readonly Execution[]): string[] {
  const completed = new Set<string>()
  return executions.flatMap((execution) => {
    const ended = stepsIn(execution, 'completed')
    const repeated = [...stepsIn(execution, 'started'), ...ended].filter((step) => completed.has(step))
    for (const step of ended) completed.add(step)
    return repeated.map((step) => `the step ${step} was executed after it had completed`)
  })
}

const killPointOf = ({ next }: Random, { stdout, ms }: Execution): KillPoint =>
  next() < 0.25
    ? { lines: 0, ms: next() * ms }
    : { lines: 2 + Math.floor(next() * (stdout.split('\n').length - 3)), ms: next() * 8 }

/** Two processes at once: the file has one owner, so that one of them may be rejected. */
async function resumeTwice(folder: string) {
  const both = await Promise.all([execute(['--resume'], folder), execute(['--resume'], folder)])
  const problems = both
    .filter(({ code }) => code !== 0 && code !== 2)
    .map(({ code, stderr }) => `of two that resume at once one ended with ${code}: ${stderr.slice(0, 300)}`)
  return { both, problems }
}

async function disturb(n: number, random: Random, undisturbed: Execution, expected: string) {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-research-kill-'))
  try {
    const executions = [await execute([question, ...documents], folder, killPointOf(random, undisturbed))]
    if (n % 2 === 1) executions.push(await execute(['--resume'], folder, killPointOf(random, undisturbed)))
    const kills = executions.filter(({ isKilled }) => isKilled).length
    const problems: string[] = []
    if (n % 5 === 4) {
      const { both, problems: found } = await resumeTwice(folder)
      executions.push(...both)
      problems.push(...found)
    }
    const last = await execute(['--resume'], folder)
    executions.push(last)
    const reports = reportsIn(folder)
    const isBegun = executions.some(({ stdout }) => stdout.includes('run.started') || stdout.includes('step.started'))
    if (last.code === 0 || (last.code === 2 && reports.length > 0)) {
      if (reports.length !== 1) problems.push(`${reports.length} reports`)
      else if (reports[0] !== expected) problems.push('another report than the undisturbed one')
    } else if (last.code !== 2 || isBegun)
      problems.push(`resuming ended with ${last.code}: ${last.stderr.slice(0, 300)}`)
    problems.push(...repeatedSteps(executions.slice(0, n % 5 === 4 ? -3 : undefined)))
    return { kills, isFinished: reports.length > 0, problems: problems.map((problem) => `kill ${n}: ${problem}`) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function undisturbedRun() {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-research-'))
  try {
    const execution = await execute([question, ...documents], folder)
    const [report] = reportsIn(folder)
    if (execution.code !== 0 || report === undefined) throw new Error(`the undisturbed run failed: ${execution.stderr}`)
    return { execution, report }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export const program: Program = {
  name: 'research-kill',
  promise: 'A research run that is killed and resumed writes the report of an undisturbed run and repeats no step.',
  async run({ scale, seed, report }) {
    const random = harness.seededRandom(seed)
    const undisturbed = await undisturbedRun()
    const count = Math.max(2, scale)
    const problems: string[] = []
    let [kills, finished] = [0, 0]
    for (let n = 0; n < count; n++) {
      const result = await disturb(n, random, undisturbed.execution, undisturbed.report)
      kills += result.kills
      if (result.isFinished) finished++
      problems.push(...result.problems)
    }
    report(`${count} runs, ${kills} kills, ${finished} finished, the others killed before a run had begun`)
    return [...problems, ...(finished === 0 || kills === 0 ? ['no run was interrupted: nothing was tried'] : [])]
  },
}
