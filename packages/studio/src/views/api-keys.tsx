/** API keys: which there are and what they may do, a new one, and the end of one. Its secret is shown once. */
import { useState } from 'react'
import type { ItemOf } from 'troupe/client'
import { useAnswer, useClient, useForget } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { when } from '../format.ts'
import { Answer, ErrorNotice } from '../parts/answer.tsx'
import { DataTable } from '../parts/data-table.tsx'
import { Pager } from '../parts/pager.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { Button, Flex, Heading, Notice, Select, Text } from '../parts/ui.tsx'
import { useCommand } from '../parts/use-command.ts'
import { keysRoute } from '../routes.ts'
import { visible } from '../visible.ts'

const roles = ['readonly', 'contributor', 'moderator', 'admin'].map((value) => ({ value, label: value }))

export function ApiKeys() {
  const may = useMay()
  const { after } = keysRoute.useSearch()
  const keys = useAnswer('apiKeys.list', { query: { limit: 50, cursor: after?.at(-1) } })
  return (
    <>
      <Heading as="h1" mb="4">
        API keys
      </Heading>
      {may('apiKeys.create') && <NewKey />}
      <Section title="Keys">
        <Answer
          of={keys}
          none={{ when: ({ items }) => items.length === 0, text: 'No key exists. Make one under “New key”.' }}
        >
          {({ items, cursor }) => (
            <>
              <KeyTable keys={items} />
              <Pager next={cursor} back="Back" on="More" />
            </>
          )}
        </Answer>
      </Section>
    </>
  )
}

function KeyTable({ keys }: { readonly keys: readonly ItemOf<'apiKeys.list'>[] }) {
  const mayRevoke = useMay()('apiKeys.revoke')
  return (
    <DataTable
      columns={[
        {
          title: 'Name',
          breaks: true,
          of: ({ id, name }) => (
            <>
              {visible(name)}
              <Text as="p" size="small" color="gray">
                {id}
              </Text>
            </>
          ),
        },
        {
          title: 'State',
          of: ({ state, rotationDue }) => <Status status={state} reason={rotationDue ? 'to be rotated' : undefined} />,
        },
        {
          title: 'Role',
          breaks: true,
          of: ({ agent, role }) => (agent === undefined ? role : `agent ${visible(agent)}`),
        },
        {
          title: 'Users',
          wideOnly: true,
          breaks: true,
          of: ({ users }) => (users === 'all' ? 'all' : visible(users.join(', '))),
        },
        {
          title: 'Expires',
          wideOnly: true,
          of: ({ expiresAt }) => (expiresAt === undefined ? 'never' : when(expiresAt)),
        },
        { title: 'Revoke', of: (key) => mayRevoke && key.state === 'valid' && <Revoke id={key.id} name={key.name} /> },
      ]}
      rows={keys}
      rowKey={({ id }) => id}
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
        look={isAsked ? 'danger' : 'soft'}
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
          <Text as="label" htmlFor="expires-in">
            Expires in
          </Text>
          <input
            id="expires-in"
            className="narrow"
            placeholder="never"
            value={expiresIn}
            onChange={({ target }) => setExpiresIn(target.value)}
          />
          <Button type="submit" disabled={isIncomplete} aria-disabled={busy}>
            Make
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
