"""discovery.kubernetes: targets from the objects of a Kubernetes cluster.

Source: the behaviour recorded in tests/golden/components.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from alloypy.components.discovery.kube.access import (
    Access,
    AccessError,
    Surroundings,
    at_url,
    by_kubeconfig,
    in_cluster,
)
from alloypy.components.discovery.kube.api import Selector
from alloypy.components.discovery.kube.discovery import KubernetesDiscoverer, Wanted
from alloypy.components.discovery.shell import Discoverer, DiscoveryComponent, Exports
from alloypy.components.http_client import HTTPClientArguments, client_settings, user_agent
from alloypy.lang.go.url import NO_URL, URL
from alloypy.lang.text_types import URL_TYPE
from alloypy.net.client.cold import LATER
from alloypy.rules import faults_of
from alloypy.rules.kubernetes import ALLOWED_SELECTORS
from alloypy.runtime.contract.component import BuildError, Options, Registration, Stability
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute, block, squash


@arguments
class NamespacesArguments:
    """Arguments of `namespaces`."""

    own_namespace: bool = attribute(default=False, doc="Also search the namespace in which alloypy runs.")
    names: tuple[str, ...] = attribute(default=(), doc="Namespaces to search; all of them if empty.")


@arguments
class SelectorArguments:
    """Arguments of `selectors`."""

    role: str = attribute(doc="Role of the objects that are selected.")
    label: str = attribute(default="", doc="Label selector, such as `app=web,tier!=cache`.")
    field: str = attribute(default="", doc="Field selector, such as `spec.nodeName=node-1`.")


@arguments
class MetadataArguments:
    """Arguments of `attach_metadata`."""

    node: bool = attribute(
        default=False, doc="Attach the labels of the node; with roles pod, endpoints and endpointslice."
    )
    namespace: bool = attribute(
        default=False, doc="Attach the labels of the namespace; with all roles except node."
    )


@arguments(rules="discovery.kubernetes")
class Arguments:
    """Arguments of discovery.kubernetes."""

    api_server: Annotated[URL, URL_TYPE] = attribute(
        default=NO_URL,
        doc="The URL of the API; without it and `kubeconfig_file`, that of alloypy's own cluster.",
    )
    role: str = attribute(doc="What to find: pod, service, endpoints, endpointslice, node or ingress.")
    kubeconfig_file: str = attribute(default="", doc="A kubeconfig that says how the API is reached.")
    http_client: HTTPClientArguments = squash(default=HTTPClientArguments())
    namespaces: NamespacesArguments = block(default=NamespacesArguments(), doc="Namespaces to search.")
    selectors: tuple[SelectorArguments, ...] = block(default=(), doc="Which objects the API shall return.")
    attach_metadata: MetadataArguments = block(
        default=MetadataArguments(), doc="Labels of other objects to attach."
    )

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


class Kubernetes(DiscoveryComponent[Arguments]):
    """Watches the API for the objects of one role."""

    def discoverer(self, arguments: Arguments) -> Discoverer:
        options = self.options

        async def access() -> Access:
            try:
                return await _access(arguments, options)
            except AccessError as error:
                raise BuildError(str(error)) from None

        return KubernetesDiscoverer(_wanted(arguments), access, options)

    async def prepare(self) -> None:
        """Read the files that are needed to reach the API. Raises BuildError."""
        await _prepare(self._discoverer)
        await super().prepare()

    async def prepare_update(self, arguments: Arguments) -> Exports | None:
        """Read the files that the new arguments need. Raises UpdateError, BuildError."""
        exports = await super().prepare_update(arguments)
        await _prepare(self._prepared)
        return exports


async def _prepare(discoverer: Discoverer) -> None:
    assert isinstance(discoverer, KubernetesDiscoverer)  # noqa: S101 -- made above
    await discoverer.prepare()


async def _access(given: Arguments, options: Options) -> Access:
    """Raises AccessError."""
    _warn_selectors(given, options)
    around = Surroundings(options.environ, user_agent(options.environ))
    if given.kubeconfig_file:
        _warn_unused(given, options, "the kubeconfig says how the API is reached")
        return await by_kubeconfig(given.kubeconfig_file, around)
    if given.api_server is not NO_URL:
        return await at_url(str(given.api_server), client_settings(given.http_client), around)
    access = await in_cluster(around, own_namespace=given.namespaces.own_namespace)
    options.logger.info("Using pod service account via in-cluster config")
    _warn_unused(given, options, "the pod's service account says how the API is reached")
    return access


def _warn_unused(given: Arguments, options: Options, reason: str) -> None:
    """Warn of settings that have no effect."""
    if given.http_client != HTTPClientArguments():
        fields = {"fields": {"reason": reason}}
        options.logger.warning("the settings of the HTTP client have no effect", extra=fields)


def _warn_selectors(given: Arguments, options: Options) -> None:
    """Warn of selectors for objects that the role does not need."""
    for each in given.selectors:
        if each.role not in ALLOWED_SELECTORS[given.role]:
            fields = {"fields": {"selector": each.role, "role": given.role}}
            options.logger.warning("a selector has no effect with this role", extra=fields)


def _wanted(given: Arguments) -> Wanted:
    return Wanted(
        role=given.role,
        namespaces=given.namespaces.names,
        own_namespace=given.namespaces.own_namespace,
        selectors={
            each.role: Selector(each.label, each.field)
            for each in given.selectors
            if each.role in ALLOWED_SELECTORS[given.role]
        },
        nodes=given.attach_metadata.node,
        namespace_labels=given.attach_metadata.namespace,
    )


registration = Registration(
    name="discovery.kubernetes",
    stability=Stability.GENERALLY_AVAILABLE,
    arguments=Arguments,
    exports=Exports,
    component=Kubernetes,
    later=LATER,
)
