/**
 * The files of a workspace as a step sees them. Reads are recorded and merged with the staged writes; writes are staged and
 * commit with the turn. If another writer has stored a newer version, the turn is rejected and repeated.
 */
import {
  checkOptions,
  compareKeys,
  failure,
  fieldOf,
  invalidInput,
  isListOf,
  joinTaint,
  type TaintLabel,
} from '../../core/index.ts'
import type { Recorder } from '../../journal/index.ts'
import type { FileContent, FileDifference, SandboxFile, SandboxFiles, SandboxSnapshot } from '../sandbox-port.ts'
import { checkFilePath } from './check-file-path.ts'
import { bytesOf, contentOfText, fileContent, sizeOf } from './file-content.ts'
import { FileStage, type StagedFile } from './file-stage.ts'
import type { StoredFiles } from './stored-files.ts'
import { unifiedDiff } from './unified-diff.ts'

/** All files of a workspace at one moment, without their contents. */
export type MountedFiles = {
  readonly files: readonly (readonly [path: string, version: number, bytes: number])[]
  readonly taint: readonly TaintLabel[]
}

type Found = { readonly content: FileContent; readonly taint: readonly TaintLabel[] }

export class StagedFiles implements SandboxFiles {
  readonly #stored: StoredFiles
  readonly #recorder: Recorder
  readonly #workspace: string
  readonly #stage: FileStage

  /** @param over the files of the step over which the stage of a tool call lies */
  constructor(stored: StoredFiles, recorder: Recorder, workspace: string, over?: SandboxFiles) {
    this.#stored = stored
    this.#recorder = recorder
    this.#workspace = workspace
    this.#stage = new FileStage(recorder, over instanceof StagedFiles ? over.#stage : undefined)
  }

  get #user(): string {
    return this.#recorder.principal.userId
  }

  async read(path: string): Promise<string> {
    const checked = checkFilePath(path)
    const content = await this.#read(checked)
    if (typeof content !== 'string') throw failure('sandbox.binary', { path: checked })
    return content
  }

  async readBytes(path: string): Promise<Uint8Array> {
    return new Uint8Array(bytesOf(await this.#read(checkFilePath(path))))
  }

  async #read(path: string): Promise<FileContent> {
    const found = await this.#recorder.answer<Found | null>({ kind: 'file.read', name: path }, async () => {
      const staged = this.#stage.get(path)
      if (staged) return staged.content === null ? null : { content: staged.content, taint: [...staged.taint] }
      const newest = await this.#stored.find(this.#user, this.#workspace, path)
      if (!newest || newest.removed) return null
      return { content: await this.contentOf(path, newest.version), taint: [...newest.taint] }
    })
    if (found === null) throw failure('sandbox.missing', { path })
    const { content, taint } = found
    this.#recorder.addTaint(taint, `file ${path}`)
    return content
  }

  /** The content of a version that exists, staged or stored. */
  async contentOf(path: string, version: number): Promise<FileContent> {
    const staged = this.#stage.get(path, version)
    const content = staged ? staged.content : await this.#stored.content(this.#user, this.#workspace, path, version)
    if (content === null) throw failure('sandbox.missing', { path })
    return content
  }

  /** The content of an earlier version, whose labels become those of the step. */
  async earlier(path: string, version: number): Promise<FileContent> {
    const call = { kind: 'file.earlier', name: `${version} ${path}` }
    const { content, taint } = await this.#recorder.answer<Found>(call, async () => {
      const stored = await this.#stored.find(this.#user, this.#workspace, path, version)
      const taint = (this.#stage.get(path, version) ?? stored)?.taint ?? []
      return { content: await this.contentOf(path, version), taint: [...taint] }
    })
    this.#recorder.addTaint(taint, `file ${path}`)
    return content
  }

  write(path: string, content: string | Uint8Array): Promise<SandboxFile> {
    if (typeof content !== 'string' && !(content instanceof Uint8Array))
      throw invalidInput('ctx.sandbox.files.write', 'the content is neither text nor bytes')
    return this.put(checkFilePath(path), typeof content === 'string' ? contentOfText(content) : fileContent(content))
  }

  /**
   * Returns the size of a file in bytes.
   * @throws CapacityError `sandbox.quota`
   */
  checkSize(path: string, content: FileContent | null): number {
    const bytes = content === null ? 0 : sizeOf(content)
    const { fileBytes } = this.#stored.limits
    if (bytes > fileBytes) throw failure('sandbox.quota', { limit: `${fileBytes} bytes for one file, ${path}` })
    return bytes
  }

  /** @param content null removes the file */
  put(path: string, content: FileContent | null): Promise<SandboxFile> {
    const bytes = this.checkSize(path, content)
    const write = async () => {
      const before = await this.#recorder.answer({ kind: 'file.version', name: path }, () => this.#versionOf(path))
      const version = before + 1
      this.#stageWrite(path, { version, content, bytes, taint: [...this.#recorder.taint] })
      return { path, version, bytes }
    }
    return this.#recorder.clientCall(() => this.#stage.inOrder(write))
  }

  async #versionOf(path: string): Promise<number> {
    const known = this.#stage.get(path) ?? (await this.#stored.find(this.#user, this.#workspace, path))
    return known?.version ?? 0
  }

  #stageWrite(path: string, file: StagedFile): void {
    const [user, workspace, { step }] = [this.#user, this.#workspace, this.#recorder]
    const write = {
      call: { kind: 'file', name: path },
      module: 'other',
      fragment: () => ({ statements: this.#stored.add(user, { ...file, workspace, path, step }) }),
    } as const
    if (this.#recorder.stage(write)) this.#stage.add(path, file, write)
  }

  remove(path: string): Promise<boolean> {
    return this.#recorder.clientCall(() => this.#remove(path))
  }

  async #remove(path: string): Promise<boolean> {
    const checked = checkFilePath(path)
    const found = await this.#recorder.answer<Pick<Found, 'taint'> | null>(
      { kind: 'file.exists', name: checked },
      async () => {
        const staged = this.#stage.get(checked)
        if (staged) return staged.content === null ? null : { taint: [...staged.taint] }
        const newest = await this.#stored.find(this.#user, this.#workspace, checked)
        return !newest || newest.removed ? null : { taint: [...newest.taint] }
      },
    )
    if (found === null) return false
    this.#recorder.addTaint(found.taint, `file ${checked}`)
    await this.put(checked, null)
    return true
  }

  async list(options: { readonly prefix?: string } = {}): Promise<readonly SandboxFile[]> {
    checkOptions('ctx.sandbox.files.list', options, ['prefix'])
    const { prefix = '' } = options
    const { files } = await this.mounted()
    return files.filter(([path]) => path.startsWith(prefix)).map(([path, version, bytes]) => ({ path, version, bytes }))
  }

  /** Lists the current files, from the record if the step is replayed. The labels of all files are added to the step. */
  async mounted(): Promise<MountedFiles> {
    const mounted = await this.#recorder.answer<MountedFiles>({ kind: 'file.list', name: '' }, async () => {
      const stored = await this.#stored.newest(this.#user, this.#workspace)
      const files = new Map(
        stored
          .filter(({ removed }) => !removed)
          .map(({ path, version, bytes, taint }) => [path, { version, bytes, taint }]),
      )
      for (const path of this.#stage.paths()) {
        const staged = this.#stage.get(path) as StagedFile
        if (staged.content === null) files.delete(path)
        else files.set(path, staged)
      }
      const listed = [...files].sort(([a], [b]) => compareKeys(a, b))
      return {
        files: listed.map(([path, { version, bytes }]) => [path, version, bytes]),
        taint: [...joinTaint(...listed.map(([, { taint }]) => taint))],
      }
    })
    this.#recorder.addTaint(mounted.taint, 'files')
    return mounted
  }

  async diff(options: { readonly from?: SandboxSnapshot } = {}): Promise<readonly FileDifference[]> {
    checkOptions('ctx.sandbox.files.diff', options, ['from'])
    const before = versionsIn(options.from ?? { files: [] })
    const { files } = await this.mounted()
    const now = new Map(files.map(([path, version]) => [path, version]))
    const paths = [...new Set([...before.keys(), ...now.keys()])].sort(compareKeys)
    const changed = paths.filter((path) => before.get(path) !== now.get(path))
    return this.#recorder.answer<readonly FileDifference[]>(
      { kind: 'file.diff', name: JSON.stringify([...before]) },
      async () =>
        Promise.all(
          changed.map(async (path) => {
            const [old, own] = [before.get(path), now.get(path)]
            const [from, to] = await Promise.all([
              old === undefined ? undefined : this.contentOf(path, old),
              own === undefined ? undefined : this.contentOf(path, own),
            ])
            const change = from === undefined ? 'added' : to === undefined ? 'removed' : 'changed'
            return { path, change, diff: await unifiedDiff(path, from ?? '', to ?? '') }
          }),
        ),
    )
  }
}

/** @throws ValidationError if the value is not a result of `snapshot` */
export function versionsIn(snapshot: SandboxSnapshot): ReadonlyMap<string, number> {
  const files = fieldOf(snapshot, 'files')
  const isVersion = (each: unknown): each is SandboxSnapshot['files'][number] =>
    Array.isArray(each) && Number.isSafeInteger(each[1]) && each[1] > 0
  const isSnapshot = isListOf(files, isVersion)
  if (!isSnapshot) throw invalidInput('The snapshot', 'it must be a value that ctx.sandbox.snapshot() returned')
  return new Map(files.map(([path, version]) => [checkFilePath(path), version]))
}
