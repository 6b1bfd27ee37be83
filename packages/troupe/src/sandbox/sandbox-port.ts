/** The port of the sandbox: the interface of an engine, and the interface of a step to its files. */
import type { Duration } from '../core/index.ts'

/** The content of a file: text, or bytes in base64. */
export type FileContent =
  | string
  | {
      /** The bytes in base64. */
      readonly base64: string
    }

/** A path with its content after an execution; null if the file was removed. */
export type FileChange = readonly [path: string, content: FileContent | null]

/** One execution of code. An engine keeps no state between executions: it gets the files and returns the changes. */
export interface SandboxRequest {
  /** The language of the code, one of the engine's `languages`. */
  readonly language: string
  /** The source text. */
  readonly code: string
  /** The files at the start, by path. */
  readonly files: ReadonlyMap<string, FileContent>
  /** The longest time of the execution in ms. */
  readonly timeoutMs: number
  /** The memory of the execution in megabytes. */
  readonly memoryMb: number
  /** The bytes of `stdout`, and of `stderr`, that are returned; the rest is cut. */
  readonly outputBytes: number
  /** The highest number of bytes of all changed files. */
  readonly changedBytes: number
  /** Aborts when the step is cancelled or has timed out. */
  readonly signal: AbortSignal
}

/** The outcome of an execution. */
export interface SandboxOutput {
  /** 0 for success, 1 for an error that the code did not catch, 124 after the timeout, 137 without memory. */
  readonly exitCode: number
  /** The text that the code wrote to its standard output. */
  readonly stdout: string
  /** The text that the code wrote to its standard error, and the error that it did not catch. */
  readonly stderr: string
  /** The files that the code wrote or removed. */
  readonly changes: readonly FileChange[]
}

/** Executes code. Implement it to add an engine: `createTroupe({ sandbox: { engines: [mine] } })`. */
export interface SandboxEngine {
  /** The name of the engine, for errors. */
  readonly name: string
  /** The languages that it executes. */
  readonly languages: readonly string[]
  /**
   * What the code can do outside: `read` if it has no network and no files of the host, so that it may be executed again.
   * Otherwise `idempotent` or `at-most-once`, as for any effect.
   */
  readonly effect: 'read' | 'idempotent' | 'at-most-once'
  /** Returns why the engine cannot execute code on this host; undefined if it can. `doctor` calls it. */
  obstacle?(): string | undefined | Promise<string | undefined>
  /**
   * Executes code.
   * @throws if the engine cannot execute anything; an error of the code is part of the output
   */
  run(request: SandboxRequest): Promise<SandboxOutput>
}

/** A file in a list. */
export type SandboxFile = {
  /** The path. */
  readonly path: string
  /** The number of its version, from 1. */
  readonly version: number
  /** The size in bytes. */
  readonly bytes: number
}

/** The versions of all files at one moment, as plain JSON. */
export type SandboxSnapshot = {
  /** The path and the version of each file. */
  readonly files: readonly (readonly [path: string, version: number])[]
}

/** The difference of a file between two moments. */
export type FileDifference = {
  /** The path. */
  readonly path: string
  /** The kind of the difference. */
  readonly change: 'added' | 'changed' | 'removed'
  /** A unified diff; empty for files that are not text. */
  readonly diff: string
}

/** The files of a run or of a thread, as the agents that work in it share them. */
export interface SandboxFiles {
  /**
   * Returns the text of a file.
   * @throws NotFoundError `sandbox.missing`; ValidationError `sandbox.binary` for a file that is not UTF-8 text
   */
  read(path: string): Promise<string>
  /**
   * Returns the bytes of a file.
   * @throws NotFoundError `sandbox.missing`
   */
  readBytes(path: string): Promise<Uint8Array>
  /**
   * Stages a new version of the file; other steps see it when the turn commits.
   * @throws ValidationError `sandbox.path`; CapacityError `sandbox.quota`
   */
  write(path: string, content: string | Uint8Array): Promise<SandboxFile>
  /** Stages the removal of a file. Returns false if there is no such file. */
  remove(path: string): Promise<boolean>
  /**
   * Lists the files in the order of their paths.
   * @param options.prefix lists only files whose paths begin with this text
   */
  list(options?: { readonly prefix?: string }): Promise<readonly SandboxFile[]>
  /**
   * Compares the files with a snapshot.
   * @param options.from the snapshot; by default an empty workspace
   */
  diff(options?: { readonly from?: SandboxSnapshot }): Promise<readonly FileDifference[]>
}

/** The options of `ctx.sandbox.run`. */
export interface SandboxRunOptions {
  /** A language of one of the engines; `javascript` by default. */
  readonly language?: string
  /** The source text. */
  readonly code: string
  /** The longest time of the execution; by default, and at most, that of `createTroupe({ sandbox: { timeout } })`. */
  readonly timeout?: Duration
}

/** The outcome of an execution. */
export interface SandboxResult {
  /** 0 for success, 1 for an error that the code did not catch, 124 after the timeout, 137 without memory. */
  readonly exitCode: number
  /** The text that the code wrote to its standard output. */
  readonly stdout: string
  /** The text that the code wrote to its standard error, and the error that it did not catch. */
  readonly stderr: string
  /** The files that the code changed. */
  readonly files: readonly {
    /** The path. */
    readonly path: string
    /** The kind of the change. */
    readonly change: 'written' | 'removed'
  }[]
}

/** Executes code on the files of a run or of a thread. `ctx.sandbox` is the sandbox of a step. */
export interface Sandbox {
  /** The files. */
  readonly files: SandboxFiles
  /**
   * Executes code on the files, as one effect of the step: the outcome is recorded, and a replay does not execute the
   * code. Changed files are staged in the turn.
   * @throws ValidationError `sandbox.language`
   * @example const { exitCode, stdout } = await ctx.sandbox.run({ code: 'console.log(6 * 7)' })
   */
  run(options: SandboxRunOptions): Promise<SandboxResult>
  /** Returns the present versions of all files. */
  snapshot(): Promise<SandboxSnapshot>
  /** Stages the files as they were at a snapshot: changed files are written again, and later files are removed. */
  restore(snapshot: SandboxSnapshot): Promise<void>
}
