/** `ctx.sandbox`: code is executed as one effect of the step, over the files of its workspace. */
import {
  checkOptions,
  type Duration,
  failure,
  fieldOf,
  hashJson,
  invalidInput,
  isListOf,
  isText,
  type Json,
  milliseconds,
} from '../core/index.ts'
import type { EffectSpec, OutsideFunction, Recorder } from '../journal/index.ts'
import { checkFilePath } from './files/check-file-path.ts'
import { sizeOf } from './files/file-content.ts'
import { StagedFiles, versionsIn } from './files/staged-files.ts'
import type { StoredFiles } from './files/stored-files.ts'
import type {
  FileChange,
  FileContent,
  Sandbox,
  SandboxEngine,
  SandboxOutput,
  SandboxResult,
  SandboxRunOptions,
  SandboxSnapshot,
} from './sandbox-port.ts'

/** The highest number of files that one execution changes: each is an entry in the record of its step. */
const maxChangedFiles = 2_000

/** The limits of an execution of code. */
export interface SandboxLimits {
  readonly timeoutMs: number
  readonly memoryMb: number
  readonly outputBytes: number
  /** The highest total size of the files of an execution, and of those that it changes. */
  readonly workspaceBytes: number
}

export interface SandboxParts {
  readonly engines: readonly SandboxEngine[]
  readonly limits: SandboxLimits
  readonly stored: StoredFiles
}

/** `ctx.effect`, with the policy of the troupe before it. */
export type EffectCaller = <Out>(name: string, spec: EffectSpec<Out>, fn: OutsideFunction<Out>) => Promise<Out>

export interface StepSandboxOptions {
  readonly recorder: Recorder
  readonly workspace: string
  readonly effect: EffectCaller
  /** The sandbox of the step over which the stage of a tool call lies. */
  readonly over?: Sandbox | undefined
}

export class StepSandbox implements Sandbox {
  readonly files: StagedFiles
  readonly #parts: SandboxParts
  readonly #effect: EffectCaller

  constructor(parts: SandboxParts, { recorder, workspace, effect, over }: StepSandboxOptions) {
    this.#parts = parts
    this.#effect = effect
    this.files = new StagedFiles(parts.stored, recorder, workspace, over?.files)
  }

  async run(options: SandboxRunOptions): Promise<SandboxResult> {
    checkOptions('ctx.sandbox.run', options, ['language', 'code', 'timeout'])
    const { language = 'javascript', code, timeout } = options
    if (typeof code !== 'string') throw invalidInput('ctx.sandbox.run', 'code is not a text')
    const { engines, limits } = this.#parts
    const engine = engines.find(({ languages }) => languages.includes(language))
    if (!engine) {
      const known = engines.flatMap(({ languages }) => languages).join(', ')
      throw failure('sandbox.language', { language, known })
    }
    const timeoutMs = timeoutOf(timeout, limits.timeoutMs)
    const { files } = await this.files.mounted()
    const total = files.reduce((sum, [, , bytes]) => sum + bytes, 0)
    if (total > limits.workspaceBytes)
      throw failure('sandbox.quota', { limit: `${limits.workspaceBytes} bytes in the files of one run of code` })
    const input = { language, code: hashJson(code), files: hashJson(files as Json), timeoutMs }
    const output = await this.#effect<SandboxOutput>(
      `sandbox ${language}`,
      { class: engine.effect, input },
      async ({ signal }) => {
        const mounted = new Map<string, FileContent>()
        for (const [path, version] of files) mounted.set(path, await this.files.contentOf(path, version))
        const { memoryMb, outputBytes, workspaceBytes } = limits
        const request = { language, code, files: mounted, timeoutMs, memoryMb, outputBytes, signal }
        return checkedOutput(engine, await engine.run({ ...request, changedBytes: workspaceBytes }), workspaceBytes)
      },
    )
    const { exitCode, stdout, stderr, changes } = output
    const present = new Set(files.map(([path]) => path))
    const effective = changes.filter(([path, content]) => content !== null || present.has(path))
    // No file is staged if one of them is too large.
    for (const [path, content] of effective) this.files.checkSize(path, content)
    for (const [path, content] of effective) await this.files.put(path, content)
    const changed = effective.map(([path, content]) => ({
      path,
      change: content === null ? ('removed' as const) : ('written' as const),
    }))
    return { exitCode, stdout, stderr, files: changed }
  }

  async snapshot(): Promise<SandboxSnapshot> {
    const { files } = await this.files.mounted()
    return { files: files.map(([path, version]) => [path, version]) }
  }

  async restore(snapshot: SandboxSnapshot): Promise<void> {
    const before = versionsIn(snapshot)
    const { files } = await this.files.mounted()
    const now = new Map(files.map(([path, version]) => [path, version]))
    for (const path of now.keys()) if (!before.has(path)) await this.files.put(path, null)
    for (const [path, version] of before)
      if (now.get(path) !== version) await this.files.put(path, await this.files.earlier(path, version))
  }
}

function timeoutOf(timeout: Duration | undefined, limitMs: number): number {
  if (timeout === undefined) return limitMs
  return Math.min(limitMs, milliseconds(timeout, 'The timeout of ctx.sandbox.run', '1ms'))
}

function isChange(change: unknown): change is FileChange {
  const content: unknown = Array.isArray(change) ? change[1] : undefined
  return content === null || isText(content) || isText(fieldOf(content, 'base64'))
}

function isOutput(output: unknown): output is SandboxOutput {
  const [stdout, stderr] = [fieldOf(output, 'stdout'), fieldOf(output, 'stderr')]
  const areTexts = isText(stdout) && isText(stderr)
  return areTexts && Number.isSafeInteger(fieldOf(output, 'exitCode')) && isListOf(fieldOf(output, 'changes'), isChange)
}

/** Checks the output of an engine. The paths and sizes come from untrusted code, so an engine cannot vouch for them. */
function checkedOutput(engine: SandboxEngine, output: SandboxOutput, limit: number): SandboxOutput {
  if (!isOutput(output))
    throw failure('sandbox.failed', { engine: engine.name, problem: 'its output does not have the form of an output' })
  const { exitCode, stdout, stderr, changes } = output
  if (changes.length > maxChangedFiles)
    throw failure('sandbox.quota', { limit: `${maxChangedFiles} files that one run of code changes` })
  const checked = changes.map(([path, content]) => [checkFilePath(path), content] as const)
  const bytes = checked.reduce((sum, [, content]) => sum + (content === null ? 0 : sizeOf(content)), 0)
  if (bytes > limit)
    throw failure('sandbox.quota', { limit: `${limit} bytes in the files that one run of code changes` })
  return { exitCode, stdout: stdout.toWellFormed(), stderr: stderr.toWellFormed(), changes: checked }
}
