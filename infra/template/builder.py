"""Completes the SAM template that ``chalice package`` writes.

Chalice knows neither versions, aliases, provisioned concurrency nor partial batch answers, and its own
``--merge-template`` can't add them: it merges dictionaries key by key, so replacing ``{"Ref": …}`` by
``{"Fn::Sub": …}`` leaves both keys in one value, which CloudFormation refuses; nor can it reach an
integration's URI without naming every route. So the template is completed here, by rules over resource
types: a schedule, a queue or a websocket that the application gains later is completed without a change.
"""

import copy
from collections.abc import Sequence

from infra.template.alarms import complete_alarms
from infra.template.api import complete_apis
from infra.template.backup import complete_backup
from infra.template.dashboard import complete_dashboard
from infra.template.document import FUNCTION_TYPE, Json, TemplateError, resources_of_type
from infra.template.functions import complete_functions
from infra.template.groups import Group
from infra.template.operating import complete_operating
from infra.template.parameters import parameters
from infra.template.queues import complete_queues
from infra.template.replication import complete_replication
from infra.template.rotation import complete_rotation
from infra.template.scaling import complete_scaling
from infra.template.separate import separate
from infra.template.stage import StageSpec
from infra.template.surroundings import complete_surroundings
from infra.template.tracing import complete_tracing
from infra.template.websocket import complete_websocket

_SAM_TRANSFORM = "AWS::Serverless-2016-10-31"


def build_template(chalice_template: Json, stage: StageSpec, groups: Sequence[Group] = ()) -> Json:
    """The template to deploy for ``stage``, with functions of their own for ``groups`` of routes; ``chalice_template``
    is left as it was.

    Raises TemplateError when the input is not a template that Chalice wrote, or was completed before; GroupsError when
    it has not the groups' routes.
    """
    if chalice_template.get("Transform") != _SAM_TRANSFORM:
        raise TemplateError(f"not a SAM template: Transform must be {_SAM_TRANSFORM}")
    if "Parameters" in chalice_template:
        raise TemplateError("the template has parameters already: Chalice writes none")
    template = copy.deepcopy(chalice_template)
    if not any(resources_of_type(template, FUNCTION_TYPE)):
        raise TemplateError("the template has no function")
    template["Description"] = f"AIBA Arena, stage {stage.name} ({stage.tier.name} tier), one region."
    template["Parameters"] = parameters(stage)
    separate(template, groups)
    complete_queues(template, stage)
    complete_functions(template, stage)
    complete_apis(template, stage)
    complete_websocket(template, stage)
    complete_surroundings(template)
    complete_scaling(template, stage)
    complete_replication(template)
    complete_operating(template)
    complete_backup(template)
    complete_tracing(template)
    complete_rotation(template)
    complete_alarms(template, stage)
    complete_dashboard(template)
    return template
