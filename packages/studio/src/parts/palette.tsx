/** The command palette: views, teams and runs by what is typed. It loads when it is opened for the first time. */
import { type NavigateOptions, useNavigate } from '@tanstack/react-router'
import { Command } from 'cmdk'
import { useEffect, useRef, useState } from 'react'
import { useAnswer } from '../api/use-api.tsx'
import { inShort } from '../format.ts'
import type { ViewPath } from '../routes.ts'
import { visible } from '../visible.ts'
import { useLater } from './use-later.ts'
import './palette.css'

interface PaletteProps {
  readonly views: readonly { readonly to: ViewPath; readonly name: string }[]
  readonly close: () => void
}

/** ms of rest before the server is asked. */
const restMs = 200

export default function Palette({ views, close }: PaletteProps) {
  const [typed, setTyped] = useState('')
  // The element with the focus before gets it back once the palette is gone, unless a view that follows takes it.
  const focused = useRef(document.activeElement)
  useEffect(
    () => () =>
      queueMicrotask(() => {
        if (focused.current instanceof HTMLElement) focused.current.focus()
      }),
    [],
  )
  const navigate = useNavigate()
  const go = (target: NavigateOptions) => {
    close()
    void navigate(target)
  }
  return (
    <Command.Dialog
      open
      onOpenChange={(isOpen) => !isOpen && close()}
      label="Command palette"
      overlayClassName="palette-ground"
      contentClassName="palette"
    >
      <Command.Input value={typed} onValueChange={setTyped} placeholder="Go to a view, a team or a run …" />
      <Command.List>
        <Command.Empty>Nothing matches “{typed}”.</Command.Empty>
        <Command.Group heading="Views">
          {views.map(({ to, name }) => (
            <Command.Item key={name} value={`view ${name}`} onSelect={() => go({ to })}>
              {name}
            </Command.Item>
          ))}
        </Command.Group>
        <Teams go={go} />
        <Runs typed={typed} go={go} />
      </Command.List>
    </Command.Dialog>
  )
}

function Teams({ go }: { readonly go: (target: NavigateOptions) => void }) {
  const { data } = useAnswer('teams.list', {})
  return (
    <Command.Group heading="Teams">
      {data?.items.map(({ name }) => (
        <Command.Item
          key={name}
          value={`team ${name}`}
          onSelect={() => go({ to: '/teams/$team', params: { team: name } })}
        >
          {visible(name)}
        </Command.Item>
      ))}
    </Command.Group>
  )
}

/** The highest number of characters of a title that the server looks for. */
const maxTitle = 200

/**
 * The server finds the runs that have the typed text in their task. The palette itself filters by the value of an item, so
 * the value of a found run ends with the typed text.
 */
function Runs({ typed, go }: { readonly typed: string; readonly go: (target: NavigateOptions) => void }) {
  const words = useLater(typed.trim(), restMs)
  const search = /[\p{L}\p{N}]/u.test(words) ? words : undefined
  const { data } = useAnswer('runs.list', { query: { limit: 8, title: search?.slice(0, maxTitle) } })
  const isFound = search !== undefined && words === typed.trim()
  return (
    <Command.Group heading={search === undefined ? 'Newest runs' : 'Runs'}>
      {data?.items.map(({ id, title, status }) => (
        <Command.Item
          key={id}
          value={`run ${id} ${title} ${isFound ? typed : ''}`}
          onSelect={() => go({ to: '/runs/$run', params: { run: id } })}
        >
          <span className="grow break">{inShort(title, 80) || id}</span> <small>{status}</small>
        </Command.Item>
      ))}
      {isFound && data !== undefined && (
        <Command.Item value={`search ${typed}`} onSelect={() => go({ to: '/runs', search: { search } })}>
          All runs with “{inShort(search, 40)}”
        </Command.Item>
      )}
    </Command.Group>
  )
}
