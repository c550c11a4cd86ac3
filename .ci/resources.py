"""Adds to moto's CloudFormation what it lacks, or makes only in part, by way of moto's own services.

A resource is made by the service's call of the same meaning. botocore knows the parameters of each call, so that a property that
the service does not have, a wrong type or a missing part is refused here as AWS would refuse it.
"""

import boto3
from moto.cloudformation.parsing import ResourceMap  # brings the classes that are replaced here, too
from moto.core.common_models import CloudFormationModel


def fit(value, shape, where):
    """A template's properties as the call's parameters: the same names but for their first letter, and numbers that were text."""
    match shape.type_name:
        case "structure":
            members = {name.lower(): name for name in shape.members}
            unknown = [name for name in value if name.lower() not in members]
            if unknown:
                raise ValueError(f"{where} has no {unknown}")
            names = {name: members[name.lower()] for name in value}
            return {names[k]: fit(v, shape.members[names[k]], f"{where}.{k}") for k, v in value.items()}
        case "list":
            # Moto makes a nothing of AWS::NoValue.
            return [fit(one, shape.member, where) for one in value if one is not None]
        case "map":
            return {key: fit(one, shape.value, where) for key, one in value.items()}
        case "integer" | "long":
            return int(value)
        case "float" | "double":
            return float(value)
        case "boolean":
            return value if isinstance(value, bool) else {"true": True, "false": False}[value]
        case _:
            return str(value)


def call(service, operation, properties):
    """Calls a service with a resource's properties."""
    client = boto3.client(service)
    shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation]).input_shape
    return getattr(client, operation)(**fit(properties, shape, operation))


def made_by_call(kind, service, operation, identify, attributes=None, name=None, prepare=dict, update=None):
    """Teaches moto a type of resource.

    `identify` and `attributes` say what `Ref` and `Fn::GetAtt` give, from the call's parameters and its answer; `name` is the property
    that CloudFormation fills in where a template leaves it out; `prepare` and `update` change the properties for the call.
    """

    # Moto takes the first of a type: its own, if it has one, must not be found.
    for model in CloudFormationModel.__subclasses__():
        if model.cloudformation_type() == kind:
            model.cloudformation_type = staticmethod(lambda: "")

    class Made(CloudFormationModel):
        # Moto files its models by their modules' names.
        __module__ = "moto.cloudformation.models"

        def __init__(self, properties, answer):
            self.physical_resource_id = identify(properties, answer)
            self.attributes = attributes(properties, answer) if attributes else {}

        @staticmethod
        def cloudformation_name_type():
            return name

        @staticmethod
        def cloudformation_type():
            return kind

        @classmethod
        def has_cfn_attr(cls, attr):
            return True

        def get_cfn_attribute(self, attribute):
            return self.attributes[attribute]

        @classmethod
        def make(cls, resource_name, cloudformation_json, operation, prepare):
            properties = cloudformation_json["Properties"]
            if name:
                properties = {name: resource_name, **properties}
            return cls(properties, call(service, operation, prepare(properties)))

        @classmethod
        def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **_):
            return cls.make(resource_name, cloudformation_json, operation, prepare)

        @classmethod
        def update_from_cloudformation_json(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
            return cls.make(new_resource_name, cloudformation_json, *(update or (operation, prepare)))

    return Made


def of_target(properties):
    """A scaling policy names its target by the target's identity."""
    resource, dimension, namespace = properties["ScalingTargetId"].split("|")
    rest = {name: value for name, value in properties.items() if name != "ScalingTargetId"}
    return {**rest, "ResourceId": resource, "ScalableDimension": dimension, "ServiceNamespace": namespace}


def changed_service(properties):
    """What of a service may change."""
    fixed = {"ServiceName", "LaunchType", "Tags"}
    return {**{name: value for name, value in properties.items() if name not in fixed}, "Service": properties["ServiceName"]}


def see_changes():
    """Moto overlooks what changes since something else did: here, services whose tasks are defined anew."""
    overlooking = ResourceMap.build_resource_diff

    def seeing(self, template, parameters=None):
        types = {"AWS::ECS::TaskDefinition", "AWS::ECS::Service"}
        changed = [name for name, resource in template["Resources"].items() if resource["Type"] in types]
        return {**overlooking(self, template, parameters), "Modify": changed}

    ResourceMap.build_resource_diff = seeing


def learn():
    """Moto finds the classes by itself; a list keeps them."""
    see_changes()
    return [
        made_by_call(
            "AWS::ECS::Cluster",
            "ecs",
            "create_cluster",
            lambda it, _: it["ClusterName"],
            lambda _, answer: {"Arn": answer["cluster"]["clusterArn"]},
            name="ClusterName",
        ),
        made_by_call(
            "AWS::ECS::TaskDefinition",
            "ecs",
            "register_task_definition",
            lambda _, answer: answer["taskDefinition"]["taskDefinitionArn"],
        ),
        made_by_call(
            "AWS::ECS::Service",
            "ecs",
            "create_service",
            lambda _, answer: answer["service"]["serviceArn"],
            lambda it, _: {"Name": it["ServiceName"]},
            name="ServiceName",
            update=("update_service", changed_service),
        ),
        made_by_call(
            "AWS::ApplicationAutoScaling::ScalableTarget",
            "application-autoscaling",
            "register_scalable_target",
            lambda it, _: "|".join([it["ResourceId"], it["ScalableDimension"], it["ServiceNamespace"]]),
        ),
        made_by_call(
            "AWS::ApplicationAutoScaling::ScalingPolicy",
            "application-autoscaling",
            "put_scaling_policy",
            lambda _, answer: answer["PolicyARN"],
            prepare=of_target,
        ),
        made_by_call("AWS::CloudWatch::Alarm", "cloudwatch", "put_metric_alarm", lambda it, _: it["AlarmName"], name="AlarmName"),
        made_by_call("AWS::Logs::MetricFilter", "logs", "put_metric_filter", lambda it, _: it["FilterName"], name="FilterName"),
        made_by_call(
            "AWS::Scheduler::Schedule",
            "scheduler",
            "create_schedule",
            lambda it, _: it["Name"],
            name="Name",
            update=("update_schedule", dict),
        ),
    ]
