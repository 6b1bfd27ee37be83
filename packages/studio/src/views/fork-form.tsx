/** Forks a run at an event: with another result or other instructions of an agent, with another model, or as it is. */
import { useState } from 'react'
import type { Topology } from '../api/shapes.ts'
import { count } from '../format.ts'
import { fromText } from '../parts/from-text.ts'
import { Button, Card, Flex, Select, Text } from '../parts/ui.tsx'
import { NewRunNotice, useNewRun } from '../parts/use-new-run.tsx'

interface ForkFormProps {
  readonly run: string
  /** The last event that both runs share. */
  readonly seq: number
  readonly topology: Topology | undefined
  /** Called with the new run, which is opened otherwise. */
  readonly onBegun?: (run: string) => void
}

const edits = [
  { value: 'none', label: 'Nothing: continue from here' },
  { value: 'result', label: 'The next result of an agent' },
  { value: 'prompt', label: 'The instructions of an agent' },
  { value: 'model', label: 'The model' },
] as const
type Edit = (typeof edits)[number]['value']

export function ForkForm({ run, seq, topology, onBegun }: ForkFormProps) {
  const command = useNewRun(run, onBegun)
  const [edit, setEdit] = useState<Edit>('none')
  const [agent, setAgent] = useState<string>()
  const [text, setText] = useState('')
  const names = topology?.nodes.filter(({ kind }) => kind === 'agent').map(({ name }) => name) ?? []
  const of = agent ?? names[0] ?? ''
  const edited = () => {
    if (edit === 'result') return { edit: { results: { [of]: fromText(text) } } }
    if (edit === 'prompt') return { edit: { prompts: { [of]: text } } }
    return edit === 'model' ? { edit: { model: text.trim() } } : {}
  }
  const isMissing = edit !== 'none' && text.trim() === ''
  return (
    <Card my="3" role="group" aria-label="Fork from here">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!isMissing) void command.begin({ verb: 'fork', at: seq, ...edited() })
        }}
      >
        <Text as="p" mb="2">
          A fork shares the events up to {count(seq)}, without paying for them again. All that comes after is executed.
        </Text>
        <Flex gap="2" wrap="wrap" mb="2" align="center">
          <Select label="Change" value={edit} onChoose={setEdit} options={edits} />
          {(edit === 'result' || edit === 'prompt') && (
            <Select
              label="Agent"
              value={of}
              onChoose={setAgent}
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
        <Flex gap="2" mt="2">
          <Button type="submit" aria-disabled={command.busy} disabled={isMissing}>
            Fork from here
          </Button>
        </Flex>
      </form>
      <NewRunNotice command={command} />
    </Card>
  )
}
