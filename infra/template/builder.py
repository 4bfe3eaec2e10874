"""Completes the SAM template that ``chalice package`` writes.

Chalice knows neither versions, aliases, provisioned concurrency nor partial batch answers, and its own
``--merge-template`` can't add them: it merges dictionaries key by key, so replacing ``{"Ref": …}`` by
``{"Fn::Sub": …}`` leaves both keys in one value, which CloudFormation refuses; nor can it reach an
integration's URI without naming every route. So the template is completed here, by rules over resource
types: a schedule, a queue or a websocket that the application gains later is completed without a change.
"""

import copy

from infra.template.api import complete_apis
from infra.template.document import FUNCTION_TYPE, Json, TemplateError, resources_of_type
from infra.template.functions import complete_functions
from infra.template.parameters import parameters
from infra.template.queues import complete_queues
from infra.template.replication import complete_replication
from infra.template.scaling import complete_scaling
from infra.template.stage import StageSpec
from infra.template.websocket import complete_websocket

_SAM_TRANSFORM = "AWS::Serverless-2016-10-31"


def build_template(chalice_template: Json, stage: StageSpec) -> Json:
    """The template to deploy for ``stage``; ``chalice_template`` is left as it was.

    Raises TemplateError when the input is not a template that Chalice wrote, or was completed before.
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
    complete_queues(template, stage)
    complete_functions(template, stage)
    complete_apis(template, stage)
    complete_websocket(template, stage)
    complete_scaling(template, stage)
    complete_replication(template)
    return template
