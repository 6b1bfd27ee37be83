/** The files of workspaces in storage: versions are added and never changed; a large content is a blob of the user. */
import { sql } from 'kysely'
import { decodeJson, type Json, type TaintLabel, type UserId } from '../../core/index.ts'
import {
  type Blobs,
  type Dialect,
  type Statement,
  type Storage,
  templates,
  type ValueRef,
} from '../../storage/index.ts'
import type { FileContent } from '../sandbox-port.ts'
import { fileContentNames } from '../sandbox-tables.ts'

export interface FileLimits {
  /** The highest size of a file in bytes. */
  readonly fileBytes: number
  /** The highest total size of all versions of all files of a user in bytes. */
  readonly userBytes: number
  /** Versions of files of a user. */
  readonly userVersions: number
}

/** A version without its content. */
export interface StoredFileVersion {
  readonly path: string
  readonly version: number
  readonly bytes: number
  readonly taint: readonly TaintLabel[]
  readonly removed: boolean
  readonly step: string
}

export interface NewVersion extends Omit<StoredFileVersion, 'removed'> {
  readonly workspace: string
  readonly content: FileContent | null
}

export interface StoredFiles {
  readonly limits: FileLimits
  /** The newest version of each path, removed ones included, in the order of the paths. */
  newest(user: UserId, workspace: string): Promise<readonly StoredFileVersion[]>
  /** @param version the newest by default, also if it removed the file */
  find(user: UserId, workspace: string, path: string, version?: number): Promise<StoredFileVersion | undefined>
  /** All versions, oldest first for each path. */
  versions(user: UserId, workspace: string): Promise<readonly StoredFileVersion[]>
  /** @returns null for a version that removed the file */
  content(user: UserId, workspace: string, path: string, version: number): Promise<FileContent | null>
  /** Rejected with `sandbox.conflict` if the version exists, and with `sandbox.quota`. */
  add(user: UserId, version: NewVersion): readonly Statement[]
  /** Removes all of a workspace. */
  forget(user: UserId, workspace: string): readonly Statement[]
}

/** The name of the files of a run. */
export const runWorkspace = (run: string): string => `run:${run}`
/** The name of the files of a thread, which all agents that talk in it share. */
export const threadWorkspace = (thread: string): string => `thread:${thread}`

export function createStoredFiles(
  { storage, blobs }: { readonly storage: Pick<Storage, 'dialect' | 'read'>; readonly blobs: Blobs },
  limits: FileLimits,
): StoredFiles {
  const queries = compile(storage.dialect)
  const ownerOf = (workspace: string) => `files:${workspace}`
  const versionsOf = async (user: UserId, statement: Statement): Promise<readonly StoredFileVersion[]> => {
    const [rows] = await storage.read({ user }, [statement])
    return (rows ?? []).map((row) => ({
      path: String(row.path),
      version: Number(row.version),
      bytes: Number(row.bytes),
      step: String(row.step),
      taint: JSON.parse(String(row.taint)) as readonly TaintLabel[],
      removed: Number(row.removed) === 1,
    }))
  }
  return {
    limits,
    newest: (user, workspace) => versionsOf(user, queries.newest({ user, workspace }, { returns: true })),
    versions: (user, workspace) => versionsOf(user, queries.versions({ user, workspace }, { returns: true })),
    async find(user, workspace, path, version) {
      const statement =
        version === undefined
          ? queries.newestOf({ user, workspace, path }, { returns: true })
          : queries.version({ user, workspace, path, version }, { returns: true })
      return (await versionsOf(user, statement))[0]
    },
    async content(user, workspace, path, version) {
      const [rows] = await storage.read({ user }, [
        queries.content({ user, workspace, path, version }, { returns: true }),
      ])
      const text = rows?.[0]?.content
      if (typeof text !== 'string') return null
      const json = await blobs.load(user, decodeJson(text) as ValueRef)
      return decodeJson(json) as FileContent
    },
    add(user, { workspace, path, version, content, bytes, step, taint }) {
      const stored =
        content === null ? undefined : blobs.store(user, ownerOf(workspace), JSON.stringify(content as Json))
      const row = { user, workspace, path, version, bytes, step, taint: JSON.stringify(taint) }
      const text = stored === undefined ? null : JSON.stringify(stored.value)
      const { userBytes, userVersions } = limits
      const quota = { user, userBytes, userVersions }
      const detail = { limit: `${userBytes} bytes or ${userVersions} versions` }
      return [
        ...(stored?.statements ?? []),
        queries.add(
          { ...row, content: text },
          { expect: { rows: 1 }, otherwise: 'sandbox.conflict', detail: { path } },
        ),
        queries.overQuota(quota, { expect: { rows: 0 }, otherwise: 'sandbox.quota', detail }),
      ]
    },
    forget: (user, workspace) => [queries.forget({ user, workspace }), ...blobs.release(user, ownerOf(workspace))],
  }
}

type Workspace = { user: string; workspace: string }
type OnePath = Workspace & { path: string }
type OneVersion = OnePath & { version: number }

function compile(dialect: Dialect) {
  const statement = templates(dialect)
  const columns = sql`path, version, bytes, step, taint, case when content is null then 1 else 0 end as removed`
  return {
    newest: statement<Workspace>(
      (p) => sql`select ${columns} from sandbox_files f where user_id = ${p.user} and workspace = ${p.workspace}
        and version = (select max(version) from sandbox_files g
          where g.user_id = f.user_id and g.workspace = f.workspace and g.path = f.path) order by path`,
    ),
    newestOf: statement<OnePath>(
      (p) => sql`select ${columns} from sandbox_files where user_id = ${p.user} and workspace = ${p.workspace}
        and path = ${p.path} order by version desc limit 1`,
    ),
    version: statement<OneVersion>(
      (p) => sql`select ${columns} from sandbox_files where user_id = ${p.user} and workspace = ${p.workspace}
        and path = ${p.path} and version = ${p.version}`,
    ),
    versions: statement<Workspace>(
      (p) => sql`select ${columns} from sandbox_files where user_id = ${p.user} and workspace = ${p.workspace}
        order by path, version`,
    ),
    content: statement<OneVersion>(
      (p) => sql`select content from sandbox_files where user_id = ${p.user} and workspace = ${p.workspace}
        and path = ${p.path} and version = ${p.version}`,
      fileContentNames,
    ),
    add: statement<OneVersion & { bytes: number; step: string; taint: string; content: string | null }>(
      (p) => sql`insert into sandbox_files (user_id, workspace, path, version, bytes, step, taint, content)
        values (${p.user}, ${p.workspace}, ${p.path}, ${p.version}, ${p.bytes}, ${p.step}, ${p.taint}, ${p.content})
        on conflict do nothing`,
      fileContentNames,
    ),
    overQuota: statement<{ user: string; userBytes: number; userVersions: number }>(
      (p) => sql`select 1 as over from (select count(*) as versions, coalesce(sum(bytes), 0) as bytes
        from sandbox_files where user_id = ${p.user}) used
        where used.bytes > ${p.userBytes} or used.versions > ${p.userVersions}`,
    ),
    forget: statement<Workspace>(
      (p) => sql`delete from sandbox_files where user_id = ${p.user} and workspace = ${p.workspace}`,
    ),
  }
}
