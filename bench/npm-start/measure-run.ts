/** Runs the research project once as a child process, and measures it from outside. */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export interface Measured {
  readonly ms: number
  readonly peakBytes: number
}

const main = join(import.meta.dirname, '../../examples/research/main.ts')
const reportPeak = pathToFileURL(join(import.meta.dirname, 'report-peak.ts')).href

/** @param folder a folder for this run alone: its database and its report */
export async function measureRun(args: readonly string[], folder: string): Promise<Measured> {
  mkdirSync(folder)
  const peakFile = join(folder, 'peak')
  const began = performance.now()
  const child = spawn(process.execPath, ['--import', reportPeak, main, ...args], {
    cwd: folder,
    env: { ...process.env, PEAK_FILE: peakFile },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (code !== 0) throw new Error(`The run ended with exit code ${code}.`)
  return { ms: performance.now() - began, peakBytes: Number(readFileSync(peakFile, 'utf8')) }
}
