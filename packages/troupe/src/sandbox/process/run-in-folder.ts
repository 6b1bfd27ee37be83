/**
 * Executes code in a process that works in a folder of its own: writes the files of the request there, waits for the end of
 * the process, and reads back what changed. The command decides what the code can reach.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { lstat, mkdir, mkdtemp, open, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { failure, TroupeError, whenAborted } from '../../core/index.ts'
import { bytesOf, fileContent, sizeOf } from '../files/file-content.ts'
import type { FileChange, SandboxOutput, SandboxRequest } from '../sandbox-port.ts'

/** Folders below folders; more is not read back. */
const maxDepth = 32
const maxFiles = 10_000
/** The begin of the name of each folder. */
const folderPrefix = 'troupe-sandbox-'
/** The age in ms from which a folder belongs to no execution, its timeout added. */
const leftAfterMs = 86_400_000
/** Bytes of the status of a command; bubblewrap writes a few lines. */
const statusBytes = 16_384

/** The folders of one execution. */
export interface Folders {
  readonly folder: string
  /** The folder with the files. */
  readonly work: string
  /** The path of the code. */
  readonly main: string
}

export interface FolderCommand {
  /** The name of the engine, for errors. */
  readonly engine: string
  /** The name of the file with the code. */
  readonly mainName: string
  readonly commandOf: (folders: Folders) => { readonly command: string; readonly args: readonly string[] }
  /** The environment of the command; none by default. */
  readonly env?: Readonly<Record<string, string>>
  /** Ends the code at its timeout or at a cancellation; by default its process is killed. @returns what stops the attempt */
  readonly end?: (running: RunningCommand) => () => void
  /**
   * Returns why the command could not execute the code; undefined if it did.
   * @param ended.status what the command wrote to file descriptor 3
   */
  readonly problemOf?: (ended: EndedCommand) => string | undefined
}

export interface RunningCommand {
  readonly folders: Folders
  /** Returns the text so far of file descriptor 3 of the command. */
  readonly status: () => string
  /** Kills the process of the command. */
  readonly kill: () => void
}

export interface EndedCommand {
  readonly code: number | null
  readonly status: string
  readonly stderr: string
}

/** @throws ExternalServiceError `sandbox.failed`; CapacityError `sandbox.quota`; ValidationError `sandbox.path` */
export async function runInFolder(request: SandboxRequest, command: FolderCommand): Promise<SandboxOutput> {
  const { signal } = request
  signal.throwIfAborted()
  try {
    return await executeInFolder(request, command)
  } catch (error) {
    if (error instanceof TroupeError || signal.aborted) throw error
    // Two paths of which one is a folder of the other, a disk that is full.
    throw failure('sandbox.failed', { engine: command.engine, problem: (error as Error).message }, { cause: error })
  }
}

async function executeInFolder(request: SandboxRequest, command: FolderCommand): Promise<SandboxOutput> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), folderPrefix)))
  try {
    await removeLeftFolders(folder, leftAfterMs + request.timeoutMs)
    const work = join(folder, 'work')
    const main = join(folder, command.mainName)
    await mkdir(work)
    await writeFile(main, request.code)
    for (const [path, content] of request.files) {
      await mkdir(dirname(join(work, path)), { recursive: true })
      await writeFile(join(work, path), bytesOf(content))
    }
    const ended = await execute(request, command, { folder, work, main })
    return { ...ended, changes: await changesIn(work, request) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Removes the folders of processes that were killed during an execution; one that cannot be removed stays.
 * @param fresh a new folder, whose time is that of the file system
 * @param ageMs how much older the others are
 */
async function removeLeftFolders(fresh: string, ageMs: number): Promise<void> {
  const { mtimeMs } = await stat(fresh)
  const names = (await readdir(tmpdir()).catch(() => [])).filter((name) => name.startsWith(folderPrefix))
  for (const path of names.map((name) => join(tmpdir(), name))) {
    const info = await stat(path).catch(() => undefined)
    if (info && mtimeMs - info.mtimeMs > ageMs) await rm(path, { recursive: true, force: true }).catch(() => {})
  }
}

function killed({ kill }: RunningCommand): () => void {
  kill()
  return () => {}
}

function execute(
  { timeoutMs, outputBytes, signal }: SandboxRequest,
  { engine, commandOf, env = {}, end: endCode = killed, problemOf = () => undefined }: FolderCommand,
  folders: Folders,
): Promise<Omit<SandboxOutput, 'changes'>> {
  const { command, args } = commandOf(folders)
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: folders.work, env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
    const [stdoutOf, stderrOf, statusOf] = [outputBytes, outputBytes, statusBytes].map((limit, i) =>
      collect(child.stdio[i + 1] as NodeJS.ReadableStream, limit),
    ) as [() => string, () => string, () => string]
    let isLate = false
    let stopEnding = () => {}
    const end = () => {
      stopEnding()
      stopEnding = endCode({ folders, status: statusOf, kill: () => child.kill('SIGKILL') })
    }
    const timer = setTimeout(() => {
      isLate = true
      end()
    }, timeoutMs)
    // The signal may have aborted while the files were written.
    const stopWatching = whenAborted(signal, end)
    const over = () => {
      clearTimeout(timer)
      stopEnding()
      stopWatching()
    }
    child.once('error', (cause) => {
      over()
      reject(failure('sandbox.failed', { engine, problem: cause.message }, { cause }))
    })
    child.once('close', (code) => {
      over()
      if (signal.aborted) return reject(signal.reason)
      const [stdout, stderr] = [stdoutOf(), stderrOf()]
      const problem = isLate ? undefined : problemOf({ code, status: statusOf(), stderr })
      if (problem !== undefined) return reject(failure('sandbox.failed', { engine, problem }))
      const late = isLate ? `The code took longer than ${timeoutMs} ms.\n` : ''
      resolve({ exitCode: isLate ? 124 : (code ?? 137), stdout, stderr: `${stderr}${late}` })
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
  const present = new Set<string>()
  const written: FileChange[] = []
  let [bytes, entries] = [0, 0]
  const visit = async (folder: string, depth: number): Promise<void> => {
    for (const name of await readdir(folder)) {
      if (depth > maxDepth || ++entries > maxFiles)
        throw failure('sandbox.quota', { limit: `${maxFiles} files in ${maxDepth} folders below each other` })
      const path = join(folder, name)
      const file = relative(work, path)
      // Node replaces what it cannot decode, so that the file would not be found under its name.
      if (name.includes('\uFFFD')) throw failure('sandbox.path', { path: file, problem: 'it is not text in UTF-8' })
      const info = await lstat(path)
      if (info.isDirectory()) await visit(path, depth + 1)
      // A link could lead out of the folder: nothing but files is read back.
      if (!info.isFile()) continue
      present.add(file)
      const before = files.get(file)
      const same = before !== undefined && sizeOf(before) === info.size ? await readFileItself(path) : undefined
      if (before !== undefined && same && bytesOf(before).equals(same)) continue
      bytes += info.size
      if (bytes > changedBytes)
        throw failure('sandbox.quota', { limit: `${changedBytes} bytes in the files that one run of code changes` })
      written.push([file, fileContent(same ?? (await readFileItself(path)))])
    }
  }
  await visit(work, 1)
  const removed = [...files.keys()].filter((path) => !present.has(path))
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
