/**
 * Executes JavaScript and TypeScript in a separate Node process under Node's permission model: of the host it can access only
 * its own folder, no child processes, threads or native modules, and its environment is empty. The network is open, because
 * the permission model of Node 24 does not close it: use this engine only for code that is trusted not to send data away.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { lstat, mkdir, mkdtemp, open, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { checkOptions, failure } from '../../core/index.ts'
import { bytesOf, fileContent } from '../files/file-content.ts'
import type { FileChange, FileContent, SandboxEngine, SandboxOutput, SandboxRequest } from '../sandbox-port.ts'

/** The options of `processSandbox`. */
export interface ProcessSandboxOptions {
  /**
   * The effect class of an execution: what happens after a crash during it. `at-most-once` by default, because the code
   * can use the network.
   */
  readonly effect?: SandboxEngine['effect']
}

const effects: readonly unknown[] = ['read', 'idempotent', 'at-most-once']

/** Folders below folders; more is not read back. */
const maxDepth = 32
const maxFiles = 10_000

/**
 * Returns the engine `process` for `node` and `node-typescript`. It needs no package. The code has all of Node's
 * modules that need no permission, and the network.
 * @example createTroupe({ storage, sandbox: { engines: [quickJsSandbox(), processSandbox()] } })
 */
export function processSandbox(options: ProcessSandboxOptions = {}): SandboxEngine {
  checkOptions('processSandbox', options, ['effect'])
  const { effect = 'at-most-once' } = options
  if (!effects.includes(effect))
    throw failure('validation.failed', {
      what: 'processSandbox.effect',
      problem: `it must be one of ${effects.join(', ')}`,
    })
  return { name: 'process', languages: ['node', 'node-typescript'], effect, run }
}

async function run(request: SandboxRequest): Promise<SandboxOutput> {
  request.signal.throwIfAborted()
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'troupe-sandbox-')))
  try {
    const work = join(folder, 'work')
    const main = join(folder, `main.${request.language === 'node' ? 'mjs' : 'mts'}`)
    await mkdir(work)
    await writeFile(main, request.code)
    for (const [path, content] of request.files) {
      await mkdir(dirname(join(work, path)), { recursive: true })
      await writeFile(join(work, path), bytesOf(content))
    }
    const ended = await execute(request, { folder, work, main })
    return { ...ended, changes: await changesIn(work, request) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Folders {
  readonly folder: string
  readonly work: string
  readonly main: string
}

function execute(request: SandboxRequest, { folder, work, main }: Folders): Promise<Omit<SandboxOutput, 'changes'>> {
  const { timeoutMs, memoryMb, outputBytes, signal } = request
  const flags = [
    '--permission',
    `--allow-fs-read=${folder}`,
    `--allow-fs-write=${work}`,
    `--max-old-space-size=${memoryMb}`,
    '--disable-warning=ExperimentalWarning',
  ]
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...flags, main], { cwd: work, env: {}, stdio: ['ignore', 'pipe', 'pipe'] })
    const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => collect(stream, outputBytes))
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      child.kill('SIGKILL')
    }, timeoutMs)
    const aborted = () => child.kill('SIGKILL')
    signal.addEventListener('abort', aborted, { once: true })
    const over = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', aborted)
    }
    child.once('error', (cause) => {
      over()
      reject(failure('sandbox.failed', { engine: 'process', problem: cause.message }, { cause }))
    })
    child.once('close', (code) => {
      over()
      if (signal.aborted) return reject(signal.reason)
      const late = isLate ? `The code took longer than ${timeoutMs} ms.\n` : ''
      resolve({
        exitCode: isLate ? 124 : (code ?? 137),
        stdout: stdout?.() ?? '',
        stderr: `${stderr?.() ?? ''}${late}`,
      })
    })
  })
}

/** @returns the text so far, up to the limit in bytes */
function collect(stream: NodeJS.ReadableStream, limit: number): () => string {
  const chunks: Buffer[] = []
  let bytes = 0
  stream.on('data', (chunk: Buffer) => {
    if (bytes < limit) chunks.push(chunk.subarray(0, limit - bytes))
    bytes += chunk.length
  })
  return () => Buffer.concat(chunks).toString('utf8')
}

async function changesIn(work: string, { files, changedBytes }: SandboxRequest): Promise<readonly FileChange[]> {
  const found = new Map<string, FileContent>()
  let [bytes, entries] = [0, 0]
  const visit = async (folder: string, depth: number): Promise<void> => {
    for (const name of await readdir(folder)) {
      if (depth > maxDepth || ++entries > maxFiles)
        throw failure('sandbox.quota', { limit: `${maxFiles} files in ${maxDepth} folders below each other` })
      const path = join(folder, name)
      const info = await lstat(path)
      if (info.isDirectory()) await visit(path, depth + 1)
      // A link could lead out of the folder: nothing but files is read back.
      if (!info.isFile()) continue
      bytes += info.size
      if (bytes > changedBytes)
        throw failure('sandbox.quota', { limit: `${changedBytes} bytes in the files of one run of code` })
      found.set(relative(work, path), fileContent(await readFileItself(path)))
    }
  }
  await visit(work, 1)
  const same = (a: FileContent, b: FileContent | undefined) => b !== undefined && bytesOf(a).equals(bytesOf(b))
  const written = [...found].filter(([path, content]) => !same(content, files.get(path)))
  const removed = [...files.keys()].filter((path) => !found.has(path))
  return [...written, ...removed.map((path): FileChange => [path, null])]
}

async function readFileItself(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    return await file.readFile()
  } finally {
    await file.close()
  }
}
