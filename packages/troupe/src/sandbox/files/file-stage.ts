/** The uncommitted writes of one stage of a step to its workspace, layered over those of the enclosing stage. */
import type { TaintLabel } from '../../core/index.ts'
import type { Recorder } from '../../journal/index.ts'
import type { FileContent } from '../sandbox-port.ts'

export interface StagedFile {
  readonly version: number
  /** Null: removed. */
  readonly content: FileContent | null
  readonly bytes: number
  readonly taint: readonly TaintLabel[]
}

export class FileStage {
  readonly #over: FileStage | undefined
  /** The staged versions of each path, oldest first. */
  readonly #files = new Map<string, readonly { readonly file: StagedFile; readonly write: object }[]>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(recorder: Pick<Recorder, 'onCommitted'>, over?: FileStage) {
    this.#over = over
    recorder.onCommitted((committed) => {
      const gone = new Set<object>(committed)
      for (const [path, staged] of this.#files) {
        const left = staged.filter(({ write }) => !gone.has(write))
        if (left.length > 0) this.#files.set(path, left)
        else this.#files.delete(path)
      }
    })
  }

  /** @param version the newest by default */
  get(path: string, version?: number): StagedFile | undefined {
    const staged = this.#files.get(path)?.findLast(({ file }) => version === undefined || file.version === version)
    return staged?.file ?? this.#over?.get(path, version)
  }

  add(path: string, file: StagedFile, write: object): void {
    this.#files.set(path, [...(this.#files.get(path) ?? []), { file, write }])
  }

  paths(): readonly string[] {
    return [...new Set([...(this.#over?.paths() ?? []), ...this.#files.keys()])]
  }

  /** Writes of one stage follow each other, so that two of one path count their versions one after the other. */
  inOrder<T>(write: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(write, write)
    this.#last = mine.catch(() => {})
    return mine
  }
}
