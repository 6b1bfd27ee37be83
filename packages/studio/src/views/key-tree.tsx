/** The keys of the context as a tree: a folder for each part of a key before a dot. */
import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useAnswer } from '../api/use-api.tsx'
import { count } from '../format.ts'
import { Answer } from '../parts/answer.tsx'
import { Text } from '../parts/ui.tsx'
import { visible } from '../visible.ts'

interface Folder {
  readonly folders: Map<string, Folder>
  /** The keys that end here. */
  readonly keys: string[]
  total: number
}
const emptyFolder = (): Folder => ({ folders: new Map(), keys: [], total: 0 })

export const noEntryText = (prefix: string | undefined): string =>
  prefix === undefined
    ? 'No entry is stored. Agents and programs write entries with `context.push`.'
    : 'No key begins with this text. Search for a shorter beginning.'

/** As many as the server lists at once. */
const maxKeys = 500

function treeOf(keys: readonly string[]): Folder {
  const root = emptyFolder()
  for (const key of keys) {
    const parts = key.split('.').slice(0, -1)
    let at = root
    at.total++
    for (const part of parts) {
      const next = at.folders.get(part) ?? emptyFolder()
      at.folders.set(part, next)
      at = next
      at.total++
    }
    at.keys.push(key)
  }
  return root
}

interface KeyTreeProps {
  readonly prefix: string | undefined
  /** The key of the entry that is opened. */
  readonly current: string | undefined
}

export function KeyTree({ prefix, current }: KeyTreeProps) {
  const keys = useAnswer('context.keys', { query: { limit: maxKeys, prefix } })
  const root = useMemo(() => treeOf(keys.data?.items ?? []), [keys.data])
  return (
    <Answer
      of={keys}
      none={{
        when: ({ items }) => items.length === 0,
        text: noEntryText(prefix),
      }}
    >
      {({ cursor }) => (
        <nav className="key-tree" aria-label="Keys">
          <FolderItems folder={root} path="" current={current} />
          {cursor !== undefined && (
            <Text as="p" size="small" color="gray">
              These are the first {count(maxKeys)} keys: narrow them by their beginning.
            </Text>
          )}
        </nav>
      )}
    </Answer>
  )
}

function FolderItems({
  folder,
  path,
  current,
}: {
  readonly folder: Folder
  readonly path: string
  readonly current: string | undefined
}) {
  const isOnly = folder.folders.size === 1 && folder.keys.length === 0
  return (
    <ul>
      {[...folder.folders].map(([name, inner]) => {
        const inside = `${path}${name}.`
        return (
          <li key={inside}>
            <details open={isOnly || current?.startsWith(inside) || undefined}>
              <summary>
                {visible(name) || '(nothing)'} <span>{count(inner.total)}</span>
              </summary>
              <FolderItems folder={inner} path={inside} current={current} />
            </details>
          </li>
        )
      })}
      {folder.keys.map((key) => (
        <li key={key}>
          <Link from="/context" to="/context" search={(search) => ({ ...search, key })} title={key}>
            {visible(key.slice(path.length)) || '(the empty key)'}
          </Link>
        </li>
      ))}
    </ul>
  )
}
