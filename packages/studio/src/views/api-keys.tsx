/** API keys: which there are and what they may do, a new one, and the end of one. Its secret is shown once. */
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { ItemOf } from 'troupe/client'
import { useAnswer, useClient, useForget } from '../api/use-api.tsx'
import { maxSearched, useItem } from '../api/use-item.ts'
import { useMay } from '../api/use-may.ts'
import { count, toMinute, when } from '../format.ts'
import { Answer, ErrorNotice, Nothing } from '../parts/answer.tsx'
import { DataTable, fromRow } from '../parts/data-table.tsx'
import { Facts } from '../parts/facts.tsx'
import { Opened } from '../parts/opened.tsx'
import { isPartOfList, Pager } from '../parts/pager.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { Button, Flex, Notice, Select, Text } from '../parts/ui.tsx'
import { useCommand } from '../parts/use-command.ts'
import { ViewHeader } from '../parts/view-header.tsx'
import { keysRoute } from '../routes.ts'
import { visible } from '../visible.ts'

const roles = ['readonly', 'contributor', 'moderator', 'admin'].map((value) => ({ value, label: value }))

export function ApiKeys() {
  const may = useMay()
  const { after, apiKey } = keysRoute.useSearch()
  const keys = useAnswer('apiKeys.list', { query: { limit: 50, cursor: after?.at(-1) } })
  return (
    <>
      <ViewHeader title="API keys" isOfAllUsers />
      {apiKey !== undefined && <OneKey id={apiKey} />}
      {may('apiKeys.create') && <NewKey />}
      <Section title="Keys">
        <Answer
          of={keys}
          none={{ when: ({ items }) => items.length === 0, text: 'No key exists. Create one under “New key”.' }}
        >
          {({ items, cursor }) => (
            <>
              <KeyTable keys={items} opened={apiKey} isPart={isPartOfList(after, cursor)} />
              <Pager next={cursor} back="Back" on="More" />
            </>
          )}
        </Answer>
      </Section>
    </>
  )
}

type ApiKey = ItemOf<'apiKeys.list'>

const usersText = ({ users }: ApiKey) => (users === 'all' ? 'all' : visible(users.join(', ')))
const roleText = ({ agent, role }: ApiKey) => (agent === undefined ? role : `agent ${visible(agent)}`)
const endText = ({ expiresAt }: ApiKey) => (expiresAt === undefined ? 'never' : toMinute(expiresAt))

function KeyState({ of: { state, rotationDue } }: { readonly of: ApiKey }) {
  return <Status status={state} reason={rotationDue ? 'to be rotated' : undefined} />
}

/** The key that the address names. */
function OneKey({ id }: { readonly id: string }) {
  const mayRevoke = useMay()('apiKeys.revoke')
  const found = useItem('apiKeys.list', {}, { id, idOf: (one) => one.id })
  const close = (
    <Link to="/keys" search={({ apiKey: _, ...search }) => search} aria-keyshortcuts="Escape">
      Close
    </Link>
  )
  return (
    <Opened title={found.data ? `Key ${visible(found.data.name)}` : 'Key'} id={id} close={close}>
      <Answer of={found}>
        {(one) =>
          one ? (
            <>
              <Facts
                facts={[
                  ['Name', visible(one.name)],
                  ['Id', <code key="id">{one.id}</code>],
                  ['State', <KeyState key="state" of={one} />],
                  ['Role', roleText(one)],
                  ['Operations', one.operations && visible(one.operations.join(', '))],
                  ['Users', usersText(one)],
                  ['Labels', one.taint && one.taint.length > 0 && visible(one.taint.join(', '))],
                  ['Made', when(one.createdAt)],
                  ['Expires', endText(one)],
                ]}
              />
              {mayRevoke && one.state === 'valid' && <Revoke id={one.id} name={one.name} />}
            </>
          ) : (
            <Nothing>None of the first {count(maxSearched)} keys has this address.</Nothing>
          )
        }
      </Answer>
    </Opened>
  )
}

interface KeyTableProps {
  readonly keys: readonly ApiKey[]
  readonly opened: string | undefined
  readonly isPart: boolean
}

function KeyTable({ keys, opened, isPart }: KeyTableProps) {
  return (
    <DataTable
      columns={[
        {
          header: 'Name',
          accessorFn: ({ name }) => name,
          cell: fromRow((key) => (
            <>
              <Link to="/keys" search={(search) => ({ ...search, apiKey: key.id })}>
                {visible(key.name)}
              </Link>
              <Text as="p" size="small" color="gray" className="break">
                {key.id}
              </Text>
              <Text as="p" size="small" color="gray" className="compact">
                {key.expiresAt === undefined ? 'never expires' : `expires ${toMinute(key.expiresAt)}`}
              </Text>
            </>
          )),
          meta: { breaks: true },
        },
        {
          header: 'State',
          accessorFn: ({ state }) => state,
          cell: fromRow((key) => <KeyState of={key} />),
        },
        {
          header: 'Role',
          accessorFn: roleText,
          meta: { breaks: true },
        },
        {
          header: 'Users',
          accessorFn: usersText,
          meta: { wideOnly: true, breaks: true },
        },
        {
          header: 'Expires',
          accessorFn: ({ expiresAt }) => expiresAt && Date.parse(expiresAt),
          cell: fromRow(endText),
          meta: { wideOnly: true },
        },
        {
          header: 'Revoke',
          cell: fromRow((key) => key.state === 'valid' && <Revoke id={key.id} name={key.name} />),
        },
      ]}
      visibility={{ Revoke: useMay()('apiKeys.revoke') }}
      rows={keys}
      isPart={isPart}
      rowKey={({ id }) => id}
      isCurrent={({ id }) => id === opened}
    />
  )
}

function Revoke({ id, name }: { readonly id: string; readonly name: string }) {
  const client = useClient()
  const forget = useForget()
  const { busy, error, run } = useCommand()
  const [isAsked, setIsAsked] = useState(false)
  const revoke = () =>
    run(async () => {
      await client.call('apiKeys.revoke', { path: { key: id } })
      forget('apiKeys.list', {})
    })
  return (
    <>
      <Button
        small
        look="danger"
        aria-disabled={busy}
        aria-label={`${isAsked ? 'Revoke at once' : 'Revoke'} ${visible(name)}`}
        onClick={() => (isAsked ? revoke() : setIsAsked(true))}
        onBlur={() => setIsAsked(false)}
      >
        {isAsked ? 'Revoke at once' : 'Revoke'}
      </Button>
      {error && <ErrorNotice error={error} />}
    </>
  )
}

function NewKey() {
  const client = useClient()
  const forget = useForget()
  const { busy, error, run } = useCommand()
  const [name, setName] = useState('')
  const [users, setUsers] = useState('')
  const [role, setRole] = useState('readonly')
  const [expiresIn, setExpiresIn] = useState('90d')
  const [secret, setSecret] = useState<string>()
  const names = users.split(',').flatMap((each) => each.trim() || [])
  const create = () =>
    run(async () => {
      const limit = expiresIn.trim() === '' ? {} : { expiresIn: expiresIn.trim() }
      const of = names.length === 1 && names[0] === 'all' ? ('all' as const) : names
      const { key } = await client.call('apiKeys.create', { body: { name: name.trim(), users: of, role, ...limit } })
      setSecret(key)
      setName('')
      forget('apiKeys.list', {})
    })
  const isIncomplete = name.trim() === '' || names.length === 0
  return (
    <Section title="New key">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!isIncomplete) void create()
        }}
      >
        <Flex gap="2" wrap="wrap" align="center" mb="2">
          <input aria-label="Name" placeholder="Name" value={name} onChange={({ target }) => setName(target.value)} />
          <input
            className="grow"
            aria-label="Users"
            placeholder="Users, with commas, or: all"
            value={users}
            onChange={({ target }) => setUsers(target.value)}
          />
          <Select label="Role" value={role} onChoose={setRole} options={roles} />
          <Flex gap="2" align="center">
            <Text as="label" htmlFor="expires-in">
              Expires in
            </Text>
            <input
              id="expires-in"
              className="short"
              placeholder="never"
              value={expiresIn}
              onChange={({ target }) => setExpiresIn(target.value)}
            />
          </Flex>
          <Button type="submit" disabled={isIncomplete} aria-disabled={busy}>
            Create
          </Button>
        </Flex>
      </form>
      {error && <ErrorNotice error={error} />}
      {secret !== undefined && (
        <Notice color="gray" mb="3">
          <p>This is the key. It is shown once: store it now.</p>
          <code className="break">{secret}</code>
        </Notice>
      )}
    </Section>
  )
}
