/** The fields of a change to a run: another result or other instructions of an agent, or another model. */
import { Suspense, useEffect, useState } from 'react'
import { useAnswer } from '../api/use-api.tsx'
import { Loading } from '../parts/answer.tsx'
import { fromText } from '../parts/from-text.ts'
import { JsonNote } from '../parts/json-note.tsx'
import { lazyPart } from '../parts/load-part.ts'
import { Flex, Select, Text } from '../parts/ui.tsx'
import { visible } from '../visible.ts'

const JsonEditor = lazyPart(() => import('../parts/json-editor.tsx'))
const Difference = lazyPart(() => import('../parts/difference.tsx'))

const changes = [
  { value: 'none', label: 'Nothing: continue from here' },
  { value: 'result', label: 'The next result of an agent' },
  { value: 'prompt', label: 'The instructions of an agent' },
  { value: 'model', label: 'The model' },
] as const
type ChangeKind = (typeof changes)[number]['value']

export interface Change {
  readonly kind: ChangeKind
  readonly agent: string
  readonly agents: readonly string[]
  readonly text: string
  /** The instructions as they are; empty where they are not known. */
  readonly before: string
  /** The agent is a function: it has no instructions to change. */
  readonly isWithoutInstructions: boolean
  /** False while there is nothing to change to. */
  readonly isComplete: boolean
  readonly edit: { readonly kind?: ChangeKind; readonly agent?: string; readonly text?: string }
  readonly setEdit: (edit: Change['edit']) => void
}

/** Agents whose definitions are read for the first one with instructions. */
const maxCandidates = 20

/** @param agents those of the run */
export function useChange(agents: readonly string[], first: ChangeKind): Change {
  const [edit, setEdit] = useState<Change['edit']>({})
  const names = agents.join('\n')
  const [candidate, setCandidate] = useState({ names, at: 0 })
  const at = candidate.names === names ? candidate.at : 0
  const { kind = first, agent = agents[at] ?? '' } = edit
  // Agents of an unregistered team have no such answer: their instructions are then written from nothing.
  const definition = useAnswer('agents.get', { path: { agent }, enabled: kind === 'prompt' && agent !== '' })
  const before = kind === 'prompt' ? (definition.data?.instructions ?? '') : ''
  const text = edit.text ?? before
  const isFunction = kind === 'prompt' && definition.data?.kind === 'function'
  // The first agent with instructions is chosen, where the reader has chosen none.
  const isSearching = isFunction && edit.agent === undefined && at + 1 < Math.min(agents.length, maxCandidates)
  useEffect(() => {
    if (isSearching) setCandidate({ names, at: at + 1 })
  }, [isSearching, names, at])
  const isWithoutInstructions = isFunction && !isSearching
  const isComplete = kind === 'none' || (!isWithoutInstructions && text.trim() !== '' && text !== before)
  return { kind, agent, agents, text, before, isWithoutInstructions, isComplete, edit, setEdit }
}

/** The change as an operation takes it; undefined for none, and while it is not complete. */
export function editOf({ kind, agent, text, isComplete }: Change) {
  if (kind === 'none' || !isComplete) return undefined
  if (kind === 'result') return { results: { [agent]: fromText(text) as object } }
  return kind === 'prompt' ? { prompts: { [agent]: text } } : { model: text.trim() }
}

interface ChangeFieldsProps {
  readonly change: Change
  /** All by default. */
  readonly kinds?: readonly ChangeKind[]
}

export function ChangeFields({ change, kinds }: ChangeFieldsProps) {
  const { kind, agent, agents, text, before, isWithoutInstructions, edit, setEdit } = change
  const offered = kinds === undefined ? changes : changes.filter(({ value }) => kinds.includes(value))
  return (
    <>
      <Flex gap="2" wrap="wrap" mb="2" align="center">
        <Text>Change</Text>
        <Select
          label="Change"
          value={kind}
          onChoose={(next) => setEdit({ kind: next, ...(edit.agent === undefined ? {} : { agent: edit.agent }) })}
          options={offered}
        />
        {(kind === 'result' || kind === 'prompt') && (
          <Select
            label="Agent"
            value={agent}
            onChoose={(next) => setEdit({ kind, agent: next })}
            options={agents.map((name) => ({ value: name, label: visible(name) }))}
          />
        )}
      </Flex>
      {isWithoutInstructions && (
        <Text as="p" color="gray" className="break">
          {visible(agent)} is a function, so it has no instructions to change. Choose an agent with a model.
        </Text>
      )}
      {kind === 'result' && (
        <Suspense fallback={<Loading />}>
          <JsonEditor
            key={agent}
            label="The next result of an agent"
            text={text}
            onChange={(next) => setEdit({ ...edit, kind, text: next })}
            takesFocus={false}
          />
        </Suspense>
      )}
      {(kind === 'prompt' || kind === 'model') && !isWithoutInstructions && (
        <textarea
          aria-label={changes.find(({ value }) => value === kind)?.label}
          rows={kind === 'model' ? 1 : 4}
          placeholder={kind === 'model' ? 'openai/gpt-…' : ''}
          value={text}
          onChange={({ target }) => setEdit({ ...edit, kind, text: target.value })}
        />
      )}
      {kind === 'result' && <JsonNote text={text} />}
      {before !== '' && text !== before && (
        <div className="plan-edit">
          <Suspense fallback={<Loading />}>
            <Difference before={before} after={text} label={`Change of the instructions of ${agent}`} />
          </Suspense>
        </div>
      )}
    </>
  )
}
