/** Adapters of one port have the same file names: what is done in a file of one is found under that name in the other. */
import { subWords } from './check-vocabulary.ts'
import type { Finding } from './finding.ts'
import { type AdapterFolder, adapterPairs, libraryRoot, withoutCounterpart } from './modules.ts'
import { inLibrary, isTest, type Workspace, within } from './workspace.ts'

export function checkAdapterFiles(workspace: Workspace): Finding[] {
  return adapterPairs.flatMap((pair) => {
    const adapters = pair.filter(({ folder }) => filesIn(workspace, folder).length > 0)
    return [...adapters.flatMap((adapter) => oneSided(workspace, adapter, adapters)), ...renamed(workspace, adapters)]
  })
}

/** Files that another adapter lacks, unless a reason is listed; and reasons for files that have a counterpart. */
function oneSided(workspace: Workspace, { folder }: AdapterFolder, adapters: readonly AdapterFolder[]): Finding[] {
  const lacking = (name: string) =>
    adapters.find((other) => other.folder !== folder && !isThere(workspace, other.folder, name))
  return filesIn(workspace, folder).flatMap((name) => {
    const local = `${folder}/${name}`
    const other = lacking(name)
    const isListed = withoutCounterpart.some(({ at }) => within(local, at))
    if ((other !== undefined) === isListed) return []
    const message = isListed
      ? `${local} has a counterpart now: remove its reason from withoutCounterpart`
      : `${other?.folder} has no ${name}: name both alike, or list the reason in withoutCounterpart`
    return [{ path: `${libraryRoot}/${local}`, line: 1, rule: 'counterpart', message }]
  })
}

const isThere = (workspace: Workspace, folder: string, name: string): boolean =>
  workspace.sources.has(`${libraryRoot}/${folder}/${name}`)

/** The sources of an adapter, relative to its folder. */
const filesIn = (workspace: Workspace, folder: string): readonly string[] =>
  [...workspace.sources.keys()].flatMap((path) => {
    const local = inLibrary(path)
    return local !== undefined && within(local, folder) && !isTest(path) ? [local.slice(folder.length + 1)] : []
  })

/** Exports with one name, apart from the word of the engine, are one concept: they are in files of one name. */
function renamed(workspace: Workspace, adapters: readonly AdapterFolder[]): Finding[] {
  const [first, ...others] = adapters.map((adapter) => ({ adapter, files: filesByExport(workspace, adapter) }))
  if (!first) return []
  return others.flatMap(({ adapter, files }) =>
    [...files].flatMap(([concept, name]) => {
      const counterpart = first.files.get(concept)
      if (counterpart === undefined || counterpart === name) return []
      const message = `exports what ${first.adapter.folder}/${counterpart} exports: name both files alike`
      return [{ path: `${libraryRoot}/${adapter.folder}/${name}`, line: 1, rule: 'counterpart', message }]
    }),
  )
}

function filesByExport(workspace: Workspace, { folder, engine }: AdapterFolder): ReadonlyMap<string, string> {
  const concept = (name: string) =>
    subWords(name)
      .filter((word) => word !== engine)
      .join(' ')
  return new Map(
    filesIn(workspace, folder).flatMap((name) =>
      (workspace.sources.get(`${libraryRoot}/${folder}/${name}`)?.declares ?? []).map(
        (exported) => [concept(exported), name] as const,
      ),
    ),
  )
}
