import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TroupeError } from '../../index.ts'
import * as syntha from './index.ts'
import { meshConfig } from './mesh-options.ts'
import { openTeam } from './syntha-testbed.test.fixture.ts'

describe('ContextMesh', () => {
  it('ContextMesh opens by itself, as in the guides, and closes.', async () => {
    await using mesh = new syntha.ContextMesh({
      user_id: 'user_123',
      enable_indexing: true,
      auto_cleanup: true,
      cleanup_interval: 300,
    })
    await mesh.push('k', { a: 1 }, { ttl: 60 })
    await mesh.push('mine', 1, { agent_name: 'A', subscribers: [] })
    expect([await mesh.get('k'), await mesh.get('none'), await mesh.get('none', { default: 2 })]).toEqual([
      { a: 1 },
      null,
      2,
    ])
    expect([await mesh.get('mine'), await mesh.get('mine', 'A'), await mesh.get('mine', 'B')]).toEqual([1, 1, null])
    expect(await mesh.get('mine', { agent_name: 'B' })).toBe(null)
    await expect(mesh.get('mine', { agent: 'B' } as never)).rejects.toMatchObject({ code: 'option.unknown' })
    expect(await mesh.get_all_for_agent('B')).toEqual({ k: { a: 1 } })
    expect([await mesh.get_keys_for_agent('B'), await mesh.list_keys()]).toEqual([['k'], ['k', 'mine']])
    expect([await mesh.remove('k'), await mesh.delete('k'), await mesh.size()]).toEqual([true, false, 1])
    await expect(mesh.push('k', 1, { ttl: 0 })).rejects.toThrow(/above zero/)
    await mesh.close()
    await new syntha.ContextMesh().close()
  })

  it('ContextMesh retries a failed opening, and does not open once it is closed.', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'troupe-mesh-'))
    const db_path = join(folder, 'mesh.db')
    await writeFile(db_path, 'something else')
    const mesh = new syntha.ContextMesh({ user_id: 'ada', db_path })
    await expect(mesh.push('k', 1)).rejects.toMatchObject({ code: 'storage.foreign' })
    await rm(db_path)
    await mesh.push('k', 1)
    expect(await mesh.get('k')).toBe(1)
    await mesh.close()
    await expect(mesh.get('k')).rejects.toMatchObject({ code: 'troupe.closed' })
    const unused = new syntha.ContextMesh({ user_id: 'ada', db_path })
    await unused.close()
    await expect(unused.get('k')).rejects.toMatchObject({ code: 'troupe.closed' })
    await rm(folder, { recursive: true })
  })

  it('ContextMesh registers topics by agent, each registration replacing the previous one.', async () => {
    await using team = await openTeam()
    const { mesh } = team
    await mesh.register_agent_topics('A', ['sales', 'news'])
    await mesh.register_agent_topics('A', ['sales', 'deals'])
    expect(await mesh.get_topics_for_agent('A')).toEqual(['deals', 'sales'])
    await mesh.push('k', 1, { topics: ['sales'] })
    await mesh.push('all', 1)
    expect(await mesh.get_available_keys_by_topic('A')).toEqual({ deals: [], sales: ['k'], other: ['all'] })
    expect(await mesh.get_subscribers_for_topic('sales')).toEqual(['A'])
    await mesh.unsubscribe_from_topics('A', ['deals'])
    expect(await mesh.get_all_topics()).toEqual(expect.arrayContaining(['sales']))
    expect([await mesh.can_agent_post_to_topic('A', 'sales'), await mesh.can_agent_post_to_topic('A', 'new')]).toEqual([
      true,
      true,
    ])
    await team.user.context.setTopicPolicy('sales', { subscribe: [], post: ['B'] })
    expect(await mesh.can_agent_post_to_topic('A', 'sales')).toBe(false)
    expect(await mesh.delete_topic('sales')).toBe(1)
    await mesh.clear()
    expect([await mesh.size(), await mesh.get_all_topics()]).toEqual([0, []])
    await mesh.clear_all()
  })

  it('ContextMesh counts live and expired entries, and their size.', async () => {
    await using team = await openTeam()
    const { mesh } = team
    await mesh.register_agent_topics('A', ['sales'])
    await mesh.push('k', 'value')
    await mesh.push('short', 1, { ttl_seconds: 1 })
    await team.clock.advance('2s')
    expect(await mesh.get_stats()).toEqual({
      total_items: 2,
      active_items: 1,
      expired_items: 1,
      memory_usage: expect.any(Number),
      total_topics: 1,
      agents_with_topics: 1,
    })
    expect([await mesh.cleanup_expired(), (await mesh.get_stats()).total_items]).toEqual([1, 1])
  })

  it('ContextMesh translates the options of the guides, and ignores none.', () => {
    const server = {
      db_backend: 'postgresql',
      host: 'db',
      port: 5432,
      db_name: 'syntha',
      username: 'u',
      password: 'p',
      sslmode: 'require',
    } as const
    const pool = { pool_size: 20, max_overflow: 30, pool_timeout: 30, pool_recycle: 3_600 }
    expect(meshConfig({ ...server, ...pool, cleanup_interval: 60 })).toEqual({
      storage: {
        host: 'db',
        port: 5432,
        database: 'syntha',
        user: 'u',
        password: 'p',
        tls: { check: false },
        poolSize: 50,
        acquireTimeout: '30s',
        recycle: '3600s',
      },
      context: { cleanup: '60s' },
    })
    expect(
      meshConfig({ db_backend: 'postgresql', connection_string: 'postgres://x/y', sslmode: 'verify-full' }),
    ).toEqual({
      storage: { url: 'postgres://x/y', tls: true },
    })
    expect(meshConfig({ db_backend: 'sqlite', db_path: 'a.db' })).toEqual({ storage: 'sqlite:a.db' })
    expect(meshConfig({ db_path: ':memory:' })).toEqual({ storage: 'memory:' })
    expect(meshConfig({ enable_persistence: true })).toEqual({ storage: 'sqlite:syntha_context.db' })
    expect(meshConfig({ enable_persistence: false })).toEqual({ storage: 'memory:' })
    for (const [options, pattern] of [
      [{ enable_indexing: false }, /index/],
      [{ auto_cleanup: false }, /expired/],
      [{ db_backend: 'mysql' }, /Unsupported backend type/],
      [{ db_backend: 'postgresql' }, /missing/],
      [{ db_backend: 'postgresql', database: 'x', db_path: 'y' }, /db_path/],
      [{ host: 'x' }, /postgresql/],
      [{ enable_persistence: false, db_path: 'x' }, /enable_persistence/],
      [{ db_backend: 'postgresql', database: 'x', sslmode: 'prefer' }, /sslmode/],
      [{ cleanup_interval: 0 }, /seconds/],
      [{ user_ids: 'x' }, /user_id/],
    ] as const)
      expect(() => meshConfig(options as never), JSON.stringify(options)).toThrow(pattern)
  })

  it('ContextMesh names the Troupe equivalent of what it does not have.', async () => {
    await using team = await openTeam()
    const { mesh } = team
    for (const [call, instead] of [
      [() => mesh.set_agent_post_permissions(), /setTopicPolicy/],
      [() => mesh.get_agent_post_permissions(), /setTopicPolicy/],
      [() => mesh.enable_performance_mode(), /always on/],
      [() => mesh.get_performance_stats(), /metrics/],
      [() => syntha.configure_logging(), /troupe\.on/],
      [() => syntha.get_logger(), /troupe\.on/],
      [() => syntha.get_context_logger(), /context\.\*/],
      [() => syntha.get_performance_logger(), /metrics/],
      [() => syntha.get_security_logger(), /incident\.recorded/],
      [() => syntha.OutcomeLogger(), /metrics/],
      [() => syntha.handle_syntha_error(), /success: false/],
      [() => new syntha.ToolHandler(mesh, 'A', { enable_logging: false }), /event/],
      [() => new syntha.ToolHandler(mesh, 'A', { allowed: [] } as never), /no option allowed/],
    ] as const)
      expect(call).toThrow(instead)
    expect(syntha.SynthaError).toBe(TroupeError)
  })
})
