// The cluster of docker-compose.yml, driven by testcontainers: scaled, stopped in parts, taken down and brought up again.
// Each run has a project and an image of its own, so it touches neither a developer's cluster nor another run.
import { DockerComposeEnvironment, getContainerRuntimeClient, Wait } from 'testcontainers'

const PREFIX = 'rocketmq-ts-e2e'
const OF_A_RUN = /^rocketmq-ts-e2e-(\d+)$/
const PROJECT = `${PREFIX}-${process.pid}`
/** Other ports than those of the defaults. */
const PROXY_PORTS = '28081-28099'
const START_MS_MAX = 120_000
const STOP_SECONDS_MAX = 10
const LABEL_PROJECT = 'com.docker.compose.project'
const LABEL_SERVICE = 'com.docker.compose.service'

/** What the last stage of the Dockerfile begins with. */
const FIRST_OWN_LAYER = 'NODE_ENV=production'

interface Layer {
  readonly CreatedBy: string
  readonly Size: number
}

export interface Scale {
  readonly broker: number
  readonly proxy: number
}

/** A container that runs. */
export interface Running {
  readonly service: string
  readonly name: string
  readonly user: string
  readonly hasReadOnlyRoot: boolean
  /** `address:port` of this machine that lead into it. */
  readonly published: readonly string[]
  /** Stops it as `docker stop` does; resolves with its exit code. */
  stop(): Promise<number>
  /** Ends it as the kernel does when memory is short. */
  kill(): Promise<void>
  /** Runs a command in it; resolves with its output, rejects unless it ends with 0. */
  exec(command: readonly string[]): Promise<string>
  /** The end of its output. */
  logs(): Promise<string>
}

export interface Cluster {
  /** Brings up what is missing and removes what is too much; resolves when all is healthy. */
  up(scale: Scale): Promise<void>
  running(service?: string): Promise<Running[]>
  /** Where clients connect now. */
  proxies(): Promise<string[]>
  /** Removes all containers; the messages stay. */
  down(): Promise<void>
  /** Removes everything, and what runs left behind that were killed. */
  remove(): Promise<void>
  /** Bytes that the image has and its base has not. */
  imageBytes(): Promise<{ readonly own: number; readonly total: number }>
}

/** The cluster that the compose file of this folder describes; nothing runs yet. */
export async function createCluster(folder: string): Promise<Cluster> {
  const { container: containers, compose } = await getContainerRuntimeClient()
  const environment = { ROCKETMQ_TS_IMAGE: imageOf(PROJECT), PROXY_PORTS }
  let isBuilt = false

  function composeOf(flags: readonly string[]): DockerComposeEnvironment {
    return new DockerComposeEnvironment(folder, 'docker-compose.yml')
      .withProjectName(PROJECT)
      .withAutoCleanup(false)
      .withEnvironment(environment)
      .withDefaultWaitStrategy(Wait.forHealthCheck())
      .withStartupTimeout(START_MS_MAX)
      .withClientOptions({ commandOptions: [...flags] })
  }

  async function running(service?: string): Promise<Running[]> {
    const all = await containers.list()
    const ours = all.filter(
      ({ Labels }) => Labels[LABEL_PROJECT] === PROJECT && (service === undefined || Labels[LABEL_SERVICE] === service),
    )
    const details = ours.map(async ({ Id, Labels }): Promise<Running> => {
      const container = containers.getById(Id)
      const { Config, HostConfig, Name, NetworkSettings } = await container.inspect()
      const ports: Record<string, { HostIp: string; HostPort: string }[] | null> = NetworkSettings.Ports
      return {
        service: Labels[LABEL_SERVICE] ?? '',
        name: Name.replace(`/${PROJECT}-`, ''),
        user: Config.User,
        hasReadOnlyRoot: HostConfig.ReadonlyRootfs === true,
        published: Object.values(ports).flatMap((bound) =>
          (bound ?? []).map(({ HostIp, HostPort }) => `${HostIp}:${HostPort}`),
        ),
        async stop() {
          await container.stop({ t: STOP_SECONDS_MAX })
          return (await container.inspect()).State.ExitCode
        },
        async exec(command) {
          const { output, exitCode } = await containers.exec(container, [...command])
          if (exitCode !== 0) throw new Error(`${command.join(' ')} ended with ${exitCode}: ${output}`)
          return output
        },
        kill: () => container.kill(),
        logs: async () => (await container.logs({ stdout: true, stderr: true, tail: 20 })).toString(),
      }
    })
    return (await Promise.all(details)).sort((one, other) => (one.name < other.name ? -1 : 1))
  }

  function down(projectName: string, { removeVolumes }: { removeVolumes: boolean }): Promise<void> {
    const named = { filePath: folder, files: 'docker-compose.yml', projectName, environment }
    return compose.down(named, { removeVolumes, timeout: STOP_SECONDS_MAX * 1000 })
  }

  /** Projects of runs that have ended. */
  async function abandoned(): Promise<string[]> {
    const all = await containers.dockerode.listContainers({ all: true })
    const projects = new Set(all.map(({ Labels }) => Labels[LABEL_PROJECT] ?? ''))
    return [...projects].filter((project) => {
      const pid = OF_A_RUN.exec(project)?.[1]
      return pid !== undefined && project !== PROJECT && !isAlive(Number(pid))
    })
  }

  return {
    async up({ broker, proxy }) {
      const flags = ['--no-recreate', '--scale', `broker=${broker}`, '--scale', `proxy=${proxy}`]
      if (!isBuilt) flags.push('--build')
      await composeOf(flags).up()
      isBuilt = true
    },
    running,
    async proxies() {
      return (await running('proxy')).flatMap(({ published }) => published)
    },
    down: () => down(PROJECT, { removeVolumes: false }),
    async remove() {
      for (const project of [PROJECT, ...(await abandoned())]) {
        await down(project, { removeVolumes: true })
        await containers.dockerode
          .getImage(imageOf(project))
          .remove({ force: true })
          .catch(() => {}) // it was never built
      }
    },
    async imageBytes() {
      const image = containers.dockerode.getImage(imageOf(PROJECT))
      const [{ Size: total }, layers] = await Promise.all([image.inspect(), image.history()])
      // From the newest to the oldest.
      const first = layers.findIndex(({ CreatedBy }: Layer) => CreatedBy.includes(FIRST_OWN_LAYER))
      const own = layers.slice(0, first + 1).reduce((sum: number, { Size }: Layer) => sum + Size, 0)
      return { own, total }
    },
  }
}

function imageOf(project: string): string {
  return `${PREFIX}:${project}`
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
