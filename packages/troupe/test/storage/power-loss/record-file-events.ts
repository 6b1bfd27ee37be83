/** What a writing process did to its files, in order, seen from the system calls by strace. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { sources } from '../start-child.ts'

export type FileEvent =
  | { readonly kind: 'create'; readonly file: string }
  | { readonly kind: 'sync'; readonly file: string }
  | { readonly kind: 'unlink'; readonly file: string }
  | { readonly kind: 'write'; readonly file: string; readonly offset: number; readonly data: Buffer }
  | { readonly kind: 'truncate'; readonly file: string; readonly size: number }
  /** Names of files in the folder are durable. */
  | { readonly kind: 'sync-folder' }
  /** The process told the world that this change is safe. */
  | { readonly kind: 'acknowledged'; readonly n: number }

export const canRecord = spawnSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' }).status === 0

const program = join(import.meta.dirname, '../writer-child.ts')
const calls = 'openat,pwrite64,write,fdatasync,fsync,ftruncate,unlink,unlinkat'

export interface RecordOptions {
  readonly changes: number
  readonly writers: number
  /** Another copy of the sources. */
  readonly from?: string
}

export function record({ changes, writers, from = sources }: RecordOptions): readonly FileEvent[] {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-recording-'))
  try {
    const database = join(folder, 'troupe.db')
    const log = join(folder, 'strace.log')
    const paths = [database, `${database}-wal`, `${database}-journal`, `${database}.say`, folder].flatMap((path) => [
      '-P',
      path,
    ])
    const options = ['-f', '-y', '-qq', '-xx', '-s', '1000000', '-e', `trace=${calls}`, ...paths, '-o', log]
    const child = [process.execPath, '--no-warnings', program, from, database, `${writers}`, `${changes}`]
    const env = { ...process.env, TROUPE_OUTPUT: `${database}.say` }
    const run = spawnSync('strace', [...options, ...child], { env, stdio: ['ignore', 'inherit', 'inherit'] })
    const output = readFileSync(`${database}.say`, 'utf8')
    if (run.status !== 0 || !output.endsWith('closed\n')) throw new Error(`the recording failed: ${output.slice(-200)}`)
    return parse(readFileSync(log, 'latin1'), basename(database))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A call that another thread interrupts is logged in two parts, of which the second says when it was done. */
function* completeCalls(log: string): Iterable<string> {
  const begun = new Map<string, string>()
  for (const line of log.split('\n')) {
    const [, thread = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)
    if (rest.endsWith('<unfinished ...>')) begun.set(thread, rest.slice(0, -'<unfinished ...>'.length))
    else if (resumed) yield (begun.get(thread) ?? '') + resumed[1]
    else if (rest !== '') yield rest
  }
}

function parse(log: string, database: string): FileEvent[] {
  const known = new Set<string>()
  return [...completeCalls(log)].flatMap((call) => {
    const [, name = '', text = '', result = ''] = /^(\w+)\((.*)\)\s+= (-?\d+)/.exec(call) ?? []
    if (result.startsWith('-') || result === '') return []
    const path = decoded(
      /^\d+<((?:\\x[0-9a-f]{2})+)>|^[^"]*"((?:\\x[0-9a-f]{2})+)"/.exec(text)?.slice(1).find(Boolean) ?? '',
    )
    const file = basename(path)
    if (name === 'openat') {
      if (!text.includes('O_CREAT') || known.has(file) || !file.startsWith(database)) return []
      known.add(file)
      return file.endsWith('.say') ? [] : [{ kind: 'create', file } as const]
    }
    return eventOf(name, text, file, database, known)
  })
}

function eventOf(name: string, text: string, file: string, database: string, known: Set<string>): FileEvent[] {
  const data = () => Buffer.from(decoded(/"((?:\\x[0-9a-f]{2})*)"/.exec(text)?.[1] ?? ''), 'latin1')
  const last = () => Number(/, (\d+)$/.exec(text)?.[1])
  if (file === `${database}.say`) {
    const n = /^ack (\d+)/.exec(data().toString())?.[1]
    return name === 'write' && n !== undefined ? [{ kind: 'acknowledged', n: Number(n) }] : []
  }
  if (!file.startsWith(database)) return name === 'fsync' || name === 'fdatasync' ? [{ kind: 'sync-folder' }] : []
  if (name === 'pwrite64') return [{ kind: 'write', file, offset: last(), data: data() }]
  if (name === 'ftruncate') return [{ kind: 'truncate', file, size: last() }]
  if (name === 'fsync' || name === 'fdatasync') return [{ kind: 'sync', file }]
  if (name.startsWith('unlink')) {
    known.delete(file)
    return [{ kind: 'unlink', file }]
  }
  throw new Error(`a call that the model does not know: ${name}(${text.slice(0, 100)}`)
}

const decoded = (text: string) =>
  text.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
