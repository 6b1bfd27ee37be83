/**
 * The thread of the QuickJS engine: it executes one request and ends. The code runs in WebAssembly and reaches the host
 * through six functions over texts. Loads nothing of other modules.
 */
import { stripTypeScriptTypes } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import type { QuickJSContext, QuickJSHandle, QuickJSSyncVariant } from 'quickjs-emscripten-core'
import { filePathProblem } from '../files/file-path-problem.ts'
import type { FileChange, FileContent, SandboxOutput, SandboxRequest } from '../sandbox-port.ts'
import { guestPrelude } from './guest-prelude.ts'

type ThreadRequest = Omit<SandboxRequest, 'signal'>

/** Only this part is declared, because the types of browsers, which have it, are not among those of Troupe. */
declare const WebAssembly: {
  readonly Memory: new (pages: {
    readonly initial: number
    readonly maximum: number
  }) => {
    readonly buffer: ArrayBuffer
  }
}

/** The memory of the engine before it has read any code, in pages of 64 KiB; a constant of its build. */
const enginePages = 256
const pagesOfMegabyte = 16
const pageBytes = 65_536

const exitCodes = { success: 0, uncaught: 1, timeout: 124, memory: 137 }
const stackBytes = 512 * 1024
/** The highest number of jobs between two checks of the deadline. */
const maxJobs = 1_000

const port = parentPort
if (!port) throw new Error('This file runs as a thread of its own.')
/** The changed files and the output of the code so far, on the side of the host. */
class Effects {
  readonly files: Map<string, FileContent>
  readonly changed = new Set<string>()
  readonly #request: ThreadRequest
  readonly #texts = { out: '', err: '' }
  readonly #printed = { out: 0, err: 0 }
  #written = 0
  exitCode: number | undefined

  constructor(request: ThreadRequest) {
    this.#request = request
    this.files = new Map(request.files)
  }

  print(stream: string, text: string): void {
    const name = stream === 'err' ? 'err' : 'out'
    const left = this.#request.outputBytes - this.#printed[name]
    if (left <= 0) return
    const bytes = Buffer.from(text)
    this.#printed[name] += bytes.length
    this.#texts[name] += bytes.length > left ? bytes.toString('utf8', 0, left) : text
  }

  write(path: string, text: string): void {
    const problem = filePathProblem(normal(path))
    if (problem !== undefined) throw new Error(`The path ${path} cannot name a file of the sandbox: ${problem}.`)
    this.#written += Buffer.byteLength(text)
    if (this.#written > this.#request.changedBytes)
      throw new Error(`The code wrote more than ${this.#request.changedBytes} bytes.`)
    this.files.set(normal(path), text)
    this.changed.add(normal(path))
  }

  remove(path: string): boolean {
    if (!this.files.delete(normal(path))) return false
    this.changed.add(normal(path))
    return true
  }

  output(exitCode: number): SandboxOutput {
    const changes = [...this.changed].map((path): FileChange => [path, this.files.get(path) ?? null])
    return { exitCode, stdout: this.#texts.out, stderr: this.#texts.err, changes }
  }
}

const normal = (path: string): string => (path.startsWith('./') ? path.slice(2) : path)

/** @returns also whether all of its memory is in use: then it has none left for the error that says so */
async function loadEngine(memoryMb: number) {
  const { newQuickJSWASMModuleFromVariant, newVariant } = await import('quickjs-emscripten-core')
  const { default: engine } = await import('@jitl/quickjs-wasmfile-release-sync')
  const maximum = enginePages + memoryMb * pagesOfMegabyte
  const wasmMemory = new WebAssembly.Memory({ initial: enginePages, maximum })
  const variant = newVariant(engine as unknown as QuickJSSyncVariant, { wasmMemory }) as QuickJSSyncVariant
  const quickJs = await newQuickJSWASMModuleFromVariant(variant)
  return { quickJs, isFull: () => wasmMemory.buffer.byteLength >= (maximum - pagesOfMegabyte) * pageBytes }
}

async function execute(request: ThreadRequest): Promise<SandboxOutput> {
  const effects = new Effects(request)
  const { quickJs, isFull } = await loadEngine(request.memoryMb)
  const runtime = quickJs.newRuntime()
  const deadline = performance.now() + request.timeoutMs
  const isOver = () => performance.now() > deadline
  // Bounds only a single allocation, because this build does not count the memory in use; the WebAssembly memory bounds that.
  runtime.setMemoryLimit(request.memoryMb * 1024 * 1024)
  runtime.setMaxStackSize(stackBytes)
  runtime.setInterruptHandler(() => isOver() || effects.exitCode !== undefined)
  runtime.setModuleLoader(
    (path) => moduleOf(effects, path),
    (base, name) => resolved(base, name),
  )
  const context = runtime.newContext()
  give(context, effects)
  const late = () => {
    effects.print('err', `The code took longer than ${request.timeoutMs} ms.\n`)
    return exitCodes.timeout
  }
  const fullMemory = () => {
    effects.print('err', 'The code is out of memory.\n')
    return exitCodes.memory
  }
  const fail = (error: QuickJSHandle) => {
    if (effects.exitCode !== undefined) return effects.exitCode
    if (isOver()) return late()
    const { text, isMemory } = problemOf(context, error)
    effects.print('err', `${text}\n`)
    if (isMemory) return exitCodes.memory
    return isFull() ? fullMemory() : exitCodes.uncaught
  }
  const main = `/main.${request.language === 'typescript' ? 'ts' : 'js'}`
  let code: string
  try {
    code = javascriptOf(main, request.code)
  } catch (error) {
    effects.print('err', `${(error as Error).message}\n`)
    return effects.output(exitCodes.uncaught)
  }
  port?.postMessage('ready')
  const result = context.evalCode(code, main, { type: 'module' })
  if (result.error) return effects.output(fail(result.error))
  while (runtime.hasPendingJob() && !isOver()) {
    const jobs = runtime.executePendingJobs(maxJobs)
    if (jobs.error) return effects.output(fail(jobs.error))
  }
  const state = context.getPromiseState(result.value)
  if (state.type === 'rejected') return effects.output(fail(state.error))
  if (state.type === 'pending') {
    if (isOver()) return effects.output(late())
    if (isFull()) return effects.output(fullMemory())
    effects.print('err', 'The code waits for a promise that nothing resolves.\n')
    return effects.output(exitCodes.uncaught)
  }
  return effects.output(effects.exitCode ?? exitCodes.success)
}

/** Replaces types with blanks. TypeScript that needs more, such as enums, is rejected, as by Node. */
const javascriptOf = (path: string, code: string): string => (path.endsWith('.ts') ? stripTypeScriptTypes(code) : code)

/** Imports find the files of the workspace alone. */
function moduleOf({ files }: Effects, path: string): string {
  const content = path.startsWith('/') ? files.get(path.slice(1)) : undefined
  if (typeof content !== 'string') throw new Error(`There is no module ${path} among the files.`)
  return path.endsWith('.json') ? `export default ${JSON.stringify(JSON.parse(content))}` : javascriptOf(path, content)
}

function resolved(base: string, name: string): string {
  // A name that is not a path stays as it is; no file is found under it.
  if (!/^\.{0,2}\//.test(name)) return name
  return new URL(name, new URL(base, 'file:///')).pathname
}

/** Gives the code its functions; each takes and returns texts. */
function give(context: QuickJSContext, effects: Effects): void {
  const host = context.newObject()
  const define = (name: string, call: (...texts: string[]) => QuickJSHandle | undefined) => {
    const fn = context.newFunction(name, (...handles) => call(...handles.map((handle) => context.getString(handle))))
    context.setProp(host, name, fn)
    fn.dispose()
  }
  define('read', (path = '') => {
    const content = effects.files.get(normal(path))
    if (content === undefined) throw new Error(`There is no file ${path}.`)
    if (typeof content !== 'string') throw new Error(`The file ${path} is not text.`)
    return context.newString(content)
  })
  define('write', (path = '', text = '') => void effects.write(path, text))
  define('remove', (path = '') => (effects.remove(path) ? context.true : context.false))
  define('list', () => context.newString(JSON.stringify([...effects.files.keys()].sort())))
  define('print', (stream = '', text = '') => void effects.print(stream, text))
  define('exit', (code = '0') => {
    effects.exitCode ??= Math.min(255, Math.max(0, Number(code) || 0))
    throw new Error('exit')
  })
  const prelude = context.unwrapResult(context.evalCode(guestPrelude, 'prelude.js'))
  context.unwrapResult(context.callFunction(prelude, context.undefined, host)).dispose()
  prelude.dispose()
  host.dispose()
}

/** The error in words: only texts are read from it. */
function problemOf(
  context: QuickJSContext,
  error: QuickJSHandle,
): { readonly text: string; readonly isMemory: boolean } {
  const textOf = (name: string): string => {
    const handle = context.getProp(error, name)
    return context.typeof(handle) === 'string' ? context.getString(handle) : ''
  }
  if (context.typeof(error) !== 'object') return { text: `Uncaught ${context.getString(error)}`, isMemory: false }
  const [name, message, stack] = [textOf('name'), textOf('message'), textOf('stack')]
  const text = `${name}: ${message}${stack === '' ? '' : `\n${stack.trimEnd()}`}`
  return { text, isMemory: name === 'InternalError' && message === 'out of memory' }
}

port.postMessage(await execute(workerData as ThreadRequest))
