/**
 * Executes JavaScript and TypeScript in an interpreter in WebAssembly, which cannot access the network, the files or the
 * clock of the host. Each run has a separate thread, so that the event loop is not blocked and a thread that does not
 * end can be terminated.
 */
import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import PQueue from 'p-queue'
import { checkOptions, failure, invalidInput, loadOptional } from '../../core/index.ts'
import type { SandboxEngine, SandboxOutput, SandboxRequest } from '../sandbox-port.ts'

/** The options of `quickJsSandbox`. */
export interface QuickJsSandboxOptions {
  /** The number of concurrent executions; 4 by default. Others wait. */
  readonly concurrency?: number
}

/** The time limit in ms for the start of the thread. */
const startMs = 30_000
/** The time in ms after the timeout of the code until the thread is terminated: some functions cannot be interrupted. */
const graceMs = 500
/** The memory of the thread in megabytes, besides the memory of the code. */
const threadMb = 64

/**
 * Returns the engine `quickjs` for `javascript` and `typescript`. It is the default of `createTroupe`. It needs the packages
 * `quickjs-emscripten-core` and `@jitl/quickjs-wasmfile-release-sync`, and loads them with the first run.
 * @example createTroupe({ storage, sandbox: { engines: [quickJsSandbox({ concurrency: 2 })] } })
 */
export function quickJsSandbox(options: QuickJsSandboxOptions = {}): SandboxEngine {
  checkOptions('quickJsSandbox', options, ['concurrency'])
  const { concurrency = 4 } = options
  if (!Number.isSafeInteger(concurrency) || concurrency < 1)
    throw invalidInput('quickJsSandbox.concurrency', 'it must be a whole number of at least 1')
  const queue = new PQueue({ concurrency })
  const run = async (request: SandboxRequest): Promise<SandboxOutput> => {
    request.signal.throwIfAborted()
    await requirePackages()
    return queue.add(() => executeInThread(request), { signal: request.signal })
  }
  const obstacle = () =>
    requirePackages().then(
      () => undefined,
      (error: Error) => error.message,
    )
  return { name: 'quickjs', languages: ['javascript', 'typescript'], effect: 'read', obstacle, run }
}

/** The thread loads them; where one is missing the error says how to install it. */
async function requirePackages(): Promise<void> {
  const what = 'The sandbox for JavaScript'
  await loadOptional(what, 'quickjs-emscripten-core', () => import('quickjs-emscripten-core'))
  const name = '@jitl/quickjs-wasmfile-release-sync'
  await loadOptional(what, name, () => import('@jitl/quickjs-wasmfile-release-sync'))
}

function executeInThread({ signal, ...request }: SandboxRequest): Promise<SandboxOutput> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(threadFile(), {
      name: 'troupe-sandbox',
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: {},
      stdin: false,
      workerData: request,
      resourceLimits: {
        maxOldGenerationSizeMb: threadMb + request.memoryMb,
        maxYoungGenerationSizeMb: 16,
        stackSizeMb: 8,
      },
    })
    const end = (answer: () => void) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', aborted)
      thread.removeAllListeners()
      thread.on('error', () => {})
      void thread.terminate()
      answer()
    }
    const failed = (exitCode: number, stderr: string) =>
      end(() => resolve({ exitCode, stdout: '', stderr, changes: [] }))
    const aborted = () => end(() => reject(signal.reason))
    const isLate = () => failed(124, `The code took longer than ${request.timeoutMs} ms.\n`)
    let timer = setTimeout(isLate, startMs)
    signal.addEventListener('abort', aborted, { once: true })
    // The signal may have aborted while the packages were loaded.
    if (signal.aborted) return aborted()
    thread.on('message', (message: SandboxOutput | 'ready') => {
      if (message !== 'ready') return end(() => resolve(message))
      clearTimeout(timer)
      timer = setTimeout(isLate, request.timeoutMs + graceMs)
    })
    thread.once('error', (error: Error & { readonly code?: string }) => {
      if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') failed(137, 'The code needs more memory than it has.\n')
      else end(() => reject(failure('sandbox.failed', { engine: 'quickjs', problem: error.message }, { cause: error })))
    })
    thread.once('exit', () => failed(137, 'The code ended its thread.\n'))
  })
}

/** Returns the URL of the thread's file, which is beside this file in sources, compiled files and bundles. */
function threadFile(): URL {
  const url = import.meta.url
  const file = new URL(url.endsWith('.ts') ? './quickjs-thread.ts' : './quickjs-thread.js', url)
  if (existsSync(file)) return file
  throw failure('sandbox.failed', {
    engine: 'quickjs',
    problem: 'the file quickjs-thread.js of the package is missing',
  })
}
