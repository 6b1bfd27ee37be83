/** The port of the sandbox: what an engine executes, and what the code of a step sees of its files. */
import type { Duration } from '../core/index.ts'

/** The content of a file: text, or bytes in base64. */
export type FileContent = string | { readonly base64: string }

/** A path with what stands there after a run; null: the file was removed. */
export type FileChange = readonly [path: string, content: FileContent | null]

/** One execution of code. An engine keeps no state between two of them: files come in, and changes go out. */
export interface SandboxRequest {
  readonly language: string
  readonly code: string
  readonly files: ReadonlyMap<string, FileContent>
  readonly timeoutMs: number
  readonly memoryMb: number
  /** Of `stdout` and of `stderr`, each; the rest is cut. */
  readonly outputBytes: number
  /** Of all changed files. */
  readonly changedBytes: number
  readonly signal: AbortSignal
}

export interface SandboxOutput {
  /** 0 for success, 1 for an error that the code did not catch, 124 after the timeout, 137 without memory. */
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  readonly changes: readonly FileChange[]
}

/** Executes code. Implement it to add an engine: `createTroupe({ sandbox: { engines: [mine] } })`. */
export interface SandboxEngine {
  readonly name: string
  readonly languages: readonly string[]
  /**
   * What the code can do outside: `read` if it has no network and no files of the host, so that it may be executed again.
   * Otherwise `idempotent` or `at-most-once`, as for any effect.
   */
  readonly effect: 'read' | 'idempotent' | 'at-most-once'
  /** @throws if the engine cannot execute anything; what the code fails with is in the output */
  run(request: SandboxRequest): Promise<SandboxOutput>
}

/** A file as it is listed. */
export type SandboxFile = { readonly path: string; readonly version: number; readonly bytes: number }

/** The versions of all files at one moment; plain JSON. */
export type SandboxSnapshot = { readonly files: readonly (readonly [path: string, version: number])[] }

export type FileDifference = {
  readonly path: string
  readonly change: 'added' | 'changed' | 'removed'
  /** A unified diff; empty for files that are not text. */
  readonly diff: string
}

/** The files of a run or of a thread, as the agents that work in it share them. */
export interface SandboxFiles {
  /** @throws NotFoundError `sandbox.missing`; ValidationError `sandbox.binary` for a file that is not UTF-8 text */
  read(path: string): Promise<string>
  /** @throws NotFoundError `sandbox.missing` */
  readBytes(path: string): Promise<Uint8Array>
  /**
   * Stages a new version of the file: others see it when the turn commits.
   * @throws ValidationError `sandbox.path`; CapacityError `sandbox.quota`
   */
  write(path: string, content: string | Uint8Array): Promise<SandboxFile>
  /** Returns false if there is no such file. */
  remove(path: string): Promise<boolean>
  /** @param options.prefix lists the files whose paths begin so */
  list(options?: { readonly prefix?: string }): Promise<readonly SandboxFile[]>
  /** Compares with a snapshot; with an empty workspace if there is none. */
  diff(options?: { readonly from?: SandboxSnapshot }): Promise<readonly FileDifference[]>
}

export interface SandboxRunOptions {
  /** One of the languages of the engines; `javascript` by default. */
  readonly language?: string
  readonly code: string
  /** At most what `createTroupe({ sandbox: { timeout } })` allows, and that by default. */
  readonly timeout?: Duration
}

export interface SandboxResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  /** What the code changed. */
  readonly files: readonly { readonly path: string; readonly change: 'written' | 'removed' }[]
}

/** `ctx.sandbox`. */
export interface Sandbox {
  readonly files: SandboxFiles
  /**
   * Executes code over the files, as one effect of the step: it is recorded, and a replay does not execute it again. What
   * it changes is staged in the turn.
   * @throws ValidationError `sandbox.language`
   * @example const { exitCode, stdout } = await ctx.sandbox.run({ code: 'console.log(6 * 7)' })
   */
  run(options: SandboxRunOptions): Promise<SandboxResult>
  snapshot(): Promise<SandboxSnapshot>
  /** Stages what makes the files as they were: old versions are written again, files that came later are removed. */
  restore(snapshot: SandboxSnapshot): Promise<void>
}
