/**
 * Forks a run at an event: with another result or other instructions of an agent, with another model, or as it is. It lists what
 * the fork would share, pay and repeat; an effect of class `at-most-once` is repeated only after it is confirmed.
 */
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import type { Topology } from '../api/shapes.ts'
import { useAnswer } from '../api/use-api.tsx'
import { count } from '../format.ts'
import { Answer, Loading } from '../parts/answer.tsx'
import { fromText } from '../parts/from-text.ts'
import { Button, Card, Flex, Heading, Select, Text } from '../parts/ui.tsx'
import { useLater } from '../parts/use-later.ts'
import { NewRunNotice, useNewRun } from '../parts/use-new-run.tsx'
import { ForkPlan, needsConfirmation } from './fork-plan.tsx'

const Difference = lazy(() => import('../parts/difference.tsx'))

interface ForkFormProps {
  readonly run: string
  /** The last event that both runs share. */
  readonly seq: number
  readonly topology: Topology | undefined
  /** Called with the new run, which is opened otherwise. */
  readonly onBegun?: (run: string) => void
  readonly onClose: () => void
}

const edits = [
  { value: 'none', label: 'Nothing: continue from here' },
  { value: 'result', label: 'The next result of an agent' },
  { value: 'prompt', label: 'The instructions of an agent' },
  { value: 'model', label: 'The model' },
] as const
type Edit = (typeof edits)[number]['value']

/** ms for which the point and the text rest before the server is asked for the plan. */
const restMs = 300

function editOf(edit: Edit, agent: string, text: string) {
  if (edit === 'none' || text.trim() === '') return undefined
  if (edit === 'result') return { results: { [agent]: fromText(text) as object } }
  return edit === 'prompt' ? { prompts: { [agent]: text } } : { model: text.trim() }
}

export function ForkForm({ run, seq, topology, onBegun, onClose }: ForkFormProps) {
  const command = useNewRun(run, onBegun)
  const [edit, setEdit] = useState<Edit>('none')
  const [chosen, setAgent] = useState<string>()
  const [typed, setText] = useState<string>()
  const [isConfirmed, setIsConfirmed] = useState(false)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    heading.current?.focus()
    heading.current?.closest('form')?.scrollIntoView({ block: 'nearest' })
  }, [])
  const names = topology?.nodes.filter(({ kind }) => kind === 'agent').map(({ name }) => name) ?? []
  const agent = chosen ?? names[0] ?? ''
  // Agents of an unregistered team have no such answer: their instructions are then written from nothing.
  const definition = useAnswer('agents.get', { path: { agent }, enabled: edit === 'prompt' && agent !== '' })
  const before = edit === 'prompt' ? (definition.data?.instructions ?? '') : ''
  const text = typed ?? before
  const wanted = editOf(edit, agent, text)
  const asked = useLater(JSON.stringify({ at: seq, ...(edit === 'result' && wanted ? { edit: wanted } : {}) }), restMs)
  const plan = useAnswer('runs.planFork', { path: { run }, body: JSON.parse(asked) })
  const isUnconfirmed = plan.data !== undefined && needsConfirmation(plan.data) && !isConfirmed
  const isMissing = edit !== 'none' && (wanted === undefined || text === before)
  const choose = (next: Edit) => {
    setEdit(next)
    setText(undefined)
  }
  const fork = () =>
    command.begin({ verb: 'fork', at: seq, ...(wanted === undefined ? {} : { edit: wanted }) }, isConfirmed)
  return (
    <Card my="3" role="group" aria-label="Fork from here">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!isMissing && !isUnconfirmed) void fork()
        }}
      >
        <Flex align="center" justify="between" gap="2" mb="2">
          <Heading as="h2" tabIndex={-1} ref={heading}>
            Fork after event {count(seq)}
          </Heading>
          <Button small look="soft" aria-label="Close the fork" onClick={onClose}>
            ✕
          </Button>
        </Flex>
        <Flex gap="2" wrap="wrap" mb="2" align="center">
          <Text>Change</Text>
          <Select label="Change" value={edit} onChoose={choose} options={edits} />
          {(edit === 'result' || edit === 'prompt') && (
            <Select
              label="Agent"
              value={agent}
              onChoose={(name) => {
                setAgent(name)
                setText(undefined)
              }}
              options={names.map((name) => ({ value: name, label: name }))}
            />
          )}
        </Flex>
        {edit !== 'none' && (
          <textarea
            aria-label={edits.find(({ value }) => value === edit)?.label}
            rows={edit === 'model' ? 1 : 4}
            placeholder={edit === 'model' ? 'openai/gpt-…' : ''}
            value={text}
            onChange={({ target }) => setText(target.value)}
          />
        )}
        {before !== '' && text !== before && (
          <div className="plan-edit">
            <Suspense fallback={<Loading />}>
              <Difference before={before} after={text} label={`Change of the instructions of ${agent}`} />
            </Suspense>
          </div>
        )}
        <div className="plan" aria-live="polite">
          <Answer of={plan}>{(known) => <ForkPlan plan={known} />}</Answer>
        </div>
        {plan.data !== undefined && needsConfirmation(plan.data) && (
          <label className="confirm">
            <input type="checkbox" checked={isConfirmed} onChange={({ target }) => setIsConfirmed(target.checked)} />
            Repeat effects of class at-most-once, which happened or may have happened
          </label>
        )}
        <Flex gap="2" mt="2">
          <Button type="submit" aria-disabled={command.busy} disabled={isMissing || isUnconfirmed}>
            Fork from here
          </Button>
        </Flex>
      </form>
      <NewRunNotice command={command} />
    </Card>
  )
}
