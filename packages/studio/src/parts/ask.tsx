/** A question of a run, with what exactly is being approved. */

import { Link } from '@tanstack/react-router'
import { type ReactNode, Suspense, useState } from 'react'
import { formatApprovalArguments, markApprovalText } from 'troupe/client'
import type { Question } from '../api/shapes.ts'
import { useAnswer, useClient } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { asText, inShort } from '../format.ts'
import { visible } from '../visible.ts'
import { ErrorNotice } from './answer.tsx'
import { fromText } from './from-text.ts'
import { JsonNote } from './json-note.tsx'
import { lazyPart } from './load-part.ts'
import { RestoreFocus } from './restore-focus.tsx'
import { Button, Card, Flex, Select, Text } from './ui.tsx'
import { useCommand } from './use-command.ts'
import { Value } from './value.tsx'

const JsonEditor = lazyPart(() => import('./json-editor.tsx'))

interface AskProps {
  /** The run that asks; absent for a session. */
  readonly run?: string | undefined
  /** The item of the list of approvals through which the question is answered; by default the run is answered. */
  readonly approval?: string
  readonly question: Question
  /** At the end of its title. */
  readonly beside?: ReactNode
  /** Called with the value that was sent. */
  readonly answered: (value: unknown) => void
}

/** The id of a question of a step is `STEP?wait`. */
const stepOf = (question: string) => question.split('?')[0]

/** The effect class of the tool that the call would execute; undefined if the server does not have the tool. */
function useEffectClass(agent: string, tool: string | undefined): string | undefined {
  const may = useMay()
  const { data } = useAnswer('agents.get', { path: { agent }, enabled: tool !== undefined && may('agents.get') })
  return data?.tools.find(({ name }) => name === tool)?.effect
}

/** What is answered by a button. */
const choices: Partial<Record<Question['kind'], readonly string[]>> = {
  confirmation: ['Yes', 'No'],
  breakpoint: ['Make the call'],
}

/** A question with so few options shows each as a button. */
const fewOptions = 3

/** The options of a question; undefined for an answer that is written. */
const optionsOf = ({ kind, options }: Question): readonly string[] | undefined =>
  options ?? (kind === 'error' ? ['retry', 'skip', 'abort'] : undefined)
const optionText = (option: string): string => visible(option) || '(nothing)'

/** The answer that was sent, in words. */
export function sentAnswerText({ kind }: Question, value: unknown): string {
  const [yes, no = 'No'] = choices[kind] ?? []
  if (yes !== undefined) return value === true ? yes : no
  if (kind !== 'approval') return inShort(value)
  const { approve, reason = '' } = value as { readonly approve: boolean; readonly reason?: string }
  return approve ? 'approved' : `refused: ${inShort(reason)}`
}

export function Ask({ run, approval = `run:${run}`, question, beside, answered }: AskProps) {
  const client = useClient()
  const may = useMay()
  const { busy, error, run: perform } = useCommand()
  const { id, kind, agent, hash } = question
  const send = (value: unknown) =>
    perform(async () => {
      await client.call('approvals.answer', { path: { approval }, body: { question: id, value } })
      answered(value)
    })
  const [yes, no] = choices[kind] ?? []
  const options = optionsOf(question)
  return (
    <RestoreFocus>
      <Card className="question" role="group" aria-label={`Question of ${agent}`}>
        <Asked run={run} question={question} beside={beside} />
        {!may('approvals.answer') ? (
          <Text as="p" mt="2" color="gray">
            Your role may not answer it.
          </Text>
        ) : kind === 'approval' ? (
          <Approval busy={busy} decide={(decision) => send({ ...decision, hash })} />
        ) : yes ? (
          <Flex gap="2" mt="3">
            <Button aria-disabled={busy} onClick={() => send(true)}>
              {yes}
            </Button>
            {no && (
              <Button aria-disabled={busy} look="danger" onClick={() => send(false)}>
                {no}
              </Button>
            )}
          </Flex>
        ) : options && options.length <= fewOptions && question.default === undefined ? (
          <Flex gap="2" mt="3" wrap="wrap">
            {options.map((option) => (
              <Button key={option} look="soft" className="option" aria-disabled={busy} onClick={() => send(option)}>
                {optionText(option)}
              </Button>
            ))}
          </Flex>
        ) : (
          <Written question={question} busy={busy} send={send} />
        )}
        {error && <ErrorNotice error={error} />}
      </Card>
    </RestoreFocus>
  )
}

/** The text of an approval without the arguments, which follow it in whole. */
function textOf({ kind, text, agent, tool }: Question): string {
  const call = `May ${agent} call ${tool}`
  const end = text.lastIndexOf('}?')
  return kind === 'approval' && end >= 0 && text.startsWith(`${call} with {`) ? `${call}${text.slice(end + 1)}` : text
}

/** Shows a request without the controls that answer it. */
export function Asked({ run, question, beside }: Pick<AskProps, 'run' | 'question' | 'beside'>) {
  const { id, agent, tool, args } = question
  const text = textOf(question)
  const effect = useEffectClass(agent, tool)
  return (
    <>
      <Flex justify="between" align="start" gap="2">
        <Text as="p" bold className="break">
          {markApprovalText(agent)} asks
          {run !== undefined && id.includes('#') && (
            <Text color="gray">
              {' in step '}
              <Link to="/runs/$run" params={{ run }} search={{ step: stepOf(id) }}>
                {stepOf(id)}
              </Link>
            </Text>
          )}
        </Text>
        {beside}
      </Flex>
      <Text as="p" mb="2" className="break said">
        {tool === undefined ? visible(text) : markApprovalText(text)}
      </Text>
      {tool !== undefined && (
        <>
          <Text as="p" className="called">
            {markApprovalText(tool)}
            {effect !== undefined && ` (${effect})`} would be called with exactly this:
          </Text>
          <Value
            value={args}
            label={`Arguments of ${tool}, question ${id}${run === undefined ? '' : ` of run ${run}`}`}
            shown={formatApprovalArguments(args ?? null)}
            expanded
          />
        </>
      )}
    </>
  )
}

interface ApprovalProps {
  readonly busy: boolean
  readonly decide: (decision: { readonly approve: boolean; readonly reason?: string }) => Promise<void>
}

/** The person has just asked for the field. */
const focus = (field: HTMLTextAreaElement | null) => field?.focus()

/** A refusal needs a reason, because the agent receives it and goes on with it. */
function Approval({ busy, decide }: ApprovalProps) {
  const [reason, setReason] = useState<string>()
  if (reason === undefined)
    return (
      <Flex gap="2" mt="3">
        <Button aria-disabled={busy} aria-keyshortcuts="a" onClick={() => decide({ approve: true })}>
          Approve
        </Button>
        <Button aria-disabled={busy} aria-keyshortcuts="r" look="danger" onClick={() => setReason('')}>
          Refuse…
        </Button>
      </Flex>
    )
  const isMissing = reason.trim() === ''
  return (
    <Flex direction="column" gap="2" mt="3" align="start">
      <textarea
        aria-label="Reason of the refusal"
        placeholder="Why not? The agent receives it."
        className="wide"
        rows={2}
        value={reason}
        ref={focus}
        onChange={({ target }) => setReason(target.value)}
      />
      <Flex gap="2">
        <Button
          disabled={isMissing}
          aria-disabled={isMissing || busy}
          look="danger"
          onClick={() => decide({ approve: false, reason: reason.trim() })}
        >
          Refuse
        </Button>
        <Button look="soft" onClick={() => setReason(undefined)}>
          Back
        </Button>
      </Flex>
    </Flex>
  )
}

interface WrittenProps {
  readonly question: Question
  readonly busy: boolean
  readonly send: (value: unknown) => Promise<void>
}

function Written({ question, busy, send }: WrittenProps) {
  const { kind } = question
  const options = optionsOf(question)
  const [text, setText] = useState<string | undefined>(
    question.default === undefined ? (options ? undefined : '') : asText(question.default),
  )
  // An answer has the form of its default.
  const isJson = options === undefined && typeof question.default === 'object' && question.default !== null
  const isNothing = options ? text === undefined : text === ''
  return (
    <Flex direction="column" gap="2" mt="3" align="start">
      {options ? (
        // By its place: an option may be any text, none too.
        <Select
          label="Answer"
          placeholder="Choose"
          value={text === undefined ? undefined : String(options.indexOf(text))}
          onChoose={(index) => setText(options[Number(index)])}
          options={options.map((option, index) => ({ value: String(index), label: optionText(option) }))}
        />
      ) : isJson ? (
        <div className="wide">
          <Suspense fallback={<div className="editor-room" />}>
            <JsonEditor label="Answer" text={text ?? ''} onChange={setText} takesFocus={false} />
          </Suspense>
          <JsonNote text={text ?? ''} />
        </div>
      ) : (
        <textarea
          aria-label="Answer"
          className="wide"
          value={text ?? ''}
          rows={kind === 'draft' ? 8 : 3}
          onChange={({ target }) => setText(target.value)}
        />
      )}
      <Button
        disabled={isNothing}
        aria-disabled={isNothing || busy}
        onClick={() => send(isJson ? fromText(text ?? '') : text)}
      >
        Answer
      </Button>
    </Flex>
  )
}
